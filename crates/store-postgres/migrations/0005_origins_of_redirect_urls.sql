-- The origins of the redirect URLs that are registered already, in their shortest form. Nobody waits for this: it writes to a
-- table that the version before does not know. Only the deletion of an application would, for as long as it takes.
SET LOCAL statement_timeout = '60s';
INSERT INTO application_origins (application_id, origin)
WITH urls AS (
    SELECT a.id, u.url FROM applications a, json_array_elements_text(a.redirect_urls::json) AS u (url)
), authorities AS (
    SELECT id, lower(substring(url from '^([A-Za-z]+)://')) AS scheme,
        lower(substring(url from '^[A-Za-z]+://([^/?#]+)')) AS authority
    FROM urls WHERE url ~* '^https?://[^/?#]'
)
SELECT id, scheme || '://' || CASE scheme
        WHEN 'https' THEN regexp_replace(authority, ':443$', '')
        ELSE regexp_replace(authority, ':80$', '') END
FROM authorities
UNION
-- A bare host stands for every page of that host over https.
SELECT id, 'https://' || lower(url) FROM urls WHERE url <> '' AND url !~ '[:/]';
