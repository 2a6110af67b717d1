{{ config(materialized='table') }}
with paid as (
    select customer_id, count(*) as orders, sum(amount) as spent
    from {{ ref('stg_orders') }}
    group by customer_id
)
select c.customer_id, c.full_name, c.email_key, paid.orders, paid.spent
from {{ ref('stg_customers') }} c
join paid on paid.customer_id = c.customer_id
