-- Whose a case is: region and portfolio, by which people see only theirs.

ALTER TABLE cases ADD COLUMN region text NOT NULL DEFAULT '';
ALTER TABLE cases ADD COLUMN portfolio text NOT NULL DEFAULT '';
CREATE INDEX cases_region ON cases (region, customer_id);
CREATE INDEX cases_portfolio ON cases (portfolio, customer_id);
