-- The origins of the redirect URLs that are registered already, in their shortest form.
INSERT INTO application_origins (application_id, origin)
WITH urls AS (
    SELECT a.id, j.value AS url
    FROM applications a,
        json_each(CASE WHEN json_valid(a.redirect_urls) THEN a.redirect_urls ELSE '[]' END) j
    WHERE j.type = 'text'
), addresses AS (
    SELECT id, lower(substr(url, 1, instr(url, '://') - 1)) AS scheme,
        replace(replace(substr(url, instr(url, '://') + 3), '?', '/'), '#', '/') || '/' AS rest
    FROM urls WHERE url LIKE 'http://%' OR url LIKE 'https://%'
), authorities AS (
    SELECT id, scheme, lower(substr(rest, 1, instr(rest, '/') - 1)) AS authority FROM addresses
)
SELECT id, scheme || '://' || CASE
        WHEN scheme = 'https' AND authority LIKE '%:443' THEN substr(authority, 1, length(authority) - 4)
        WHEN scheme = 'http' AND authority LIKE '%:80' THEN substr(authority, 1, length(authority) - 3)
        ELSE authority END
FROM authorities WHERE authority <> ''
UNION
-- A bare host stands for every page of that host over https.
SELECT id, 'https://' || lower(url) FROM urls WHERE url <> '' AND instr(url, ':') = 0 AND instr(url, '/') = 0;
