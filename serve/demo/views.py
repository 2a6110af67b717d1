"""Views over the estate's tables, a materialized view, the reader role and the grants.

Between them they hold what lineage has to follow: a rename, a join, an aggregate, a view over views, a hash and a
masked substring. `hr.sick_leave` is granted to PUBLIC on purpose.
"""

READER = "estate_reader"

VIEWS = """
CREATE VIEW crm.v_customer_contact AS
SELECT c.customer_id, c.full_name AS name, c.email, c.phone, a.city, a.country
FROM crm.customers c JOIN crm.addresses a ON a.customer_id = c.customer_id AND a.address_type = 'home';
COMMENT ON VIEW crm.v_customer_contact IS 'How to reach a customer, one row each.';

CREATE VIEW sales.v_order_value AS
SELECT o.order_number, o.customer_id, o.placed_at::date AS placed_on, sum(l.quantity * l.unit_price) AS value
FROM sales.orders o JOIN sales.order_lines l USING (order_number)
GROUP BY o.order_number, o.customer_id, o.placed_at;

CREATE VIEW sales.v_revenue_by_country AS
SELECT c.country, count(*) AS orders, sum(v.value) AS revenue
FROM sales.v_order_value v JOIN crm.v_customer_contact c ON c.customer_id = v.customer_id
GROUP BY c.country;

CREATE VIEW sales.v_best_customers AS
SELECT c.name, c.email AS contact, t.spent
FROM (SELECT customer_id, sum(value) AS spent FROM sales.v_order_value GROUP BY customer_id) t
JOIN crm.v_customer_contact c ON c.customer_id = t.customer_id
WHERE t.spent > 5000;

CREATE VIEW sales.v_card_masked AS
SELECT card_id, customer_id, left(pan, 6) || '******' || right(pan, 4) AS masked_pan, expires
FROM sales.stored_cards;

CREATE VIEW support.v_ticket_public AS
SELECT ticket_id, opened_at, channel, subject, md5(requester) AS requester_key, length(body) AS body_length
FROM support.tickets;

CREATE VIEW hr.v_headcount AS
SELECT job_title, count(*) AS people, round(avg(salary), -3) AS average_salary FROM hr.employees GROUP BY job_title;

CREATE VIEW flights.v_delay_by_airline AS
SELECT a.name AS airline, count(*) AS flights, avg(f.arr_delay) AS mean_delay
FROM flights.flights f JOIN flights.airlines a USING (carrier) GROUP BY a.name;

CREATE MATERIALIZED VIEW sales.mv_daily_revenue AS
SELECT placed_on, count(*) AS orders, sum(value) AS revenue FROM sales.v_order_value GROUP BY placed_on;
"""

GRANTS = f"""
GRANT USAGE ON SCHEMA crm, sales, support, flights TO {READER};
GRANT SELECT ON crm.v_customer_contact, sales.orders, sales.order_lines, sales.products, sales.v_revenue_by_country,
  sales.v_card_masked, support.v_ticket_public TO {READER};
GRANT SELECT ON ALL TABLES IN SCHEMA flights TO {READER};
GRANT USAGE ON SCHEMA hr TO PUBLIC;
GRANT SELECT ON hr.sick_leave TO PUBLIC;
"""
