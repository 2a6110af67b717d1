select id as order_id, customer_id, placed_on::date as placed_on, amount
from {{ ref('raw_orders') }}
where status = 'paid'
