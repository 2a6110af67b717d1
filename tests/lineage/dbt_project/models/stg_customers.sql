select id as customer_id, first_name || ' ' || last_name as full_name, md5(email) as email_key
from {{ ref('raw_customers') }}
