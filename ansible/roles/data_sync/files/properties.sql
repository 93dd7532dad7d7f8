-- Gives database `scratch` what hangs on database `target` itself: privileges, settings, comment and limit.
-- With stage `early` without the limit and the ban on writing, which the command after a restore could not work with.
WITH target AS (SELECT * FROM pg_database WHERE datname = :'target'),
settings AS (
  SELECT setrole, split_part(item, '=', 1) AS name, substr(item, strpos(item, '=') + 1) AS value
    FROM pg_db_role_setting, unnest(setconfig) AS item WHERE setdatabase = (SELECT oid FROM target)
),
-- The value of these is a list, each word of which has quotes of its own.
lists AS (
  SELECT setrole, name, coalesce(string_agg(quote_literal(
           CASE WHEN word[1] LIKE '"%' THEN replace(substr(word[1], 2, length(word[1]) - 2), '""', '"') ELSE word[1] END), ', '),
         '''''') AS value
    FROM settings LEFT JOIN LATERAL regexp_matches(value, '"(?:[^"]|"")*"|[^", ]+', 'g') AS word ON true
   WHERE name IN ('search_path', 'temp_tablespaces', 'local_preload_libraries', 'session_preload_libraries')
   GROUP BY setrole, name
),
statements AS (
  SELECT 1 AS place, format('REVOKE ALL ON DATABASE %I FROM PUBLIC, %I', :'scratch', pg_get_userbyid(datdba)) AS statement
    FROM target WHERE datacl IS NOT NULL
  UNION ALL
  SELECT 2, format('GRANT %s ON DATABASE %I TO %s%s', privilege_type, :'scratch',
                   CASE WHEN grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END,
                   CASE WHEN is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
    FROM target, aclexplode(datacl)
  UNION ALL
  SELECT 3, format('ALTER %s SET %I TO %s',
                   CASE WHEN s.setrole = 0 THEN format('DATABASE %I', :'scratch')
                        ELSE format('ROLE %I IN DATABASE %I', pg_get_userbyid(s.setrole), :'scratch') END,
                   s.name, coalesce(l.value, quote_literal(s.value)))
    FROM settings s LEFT JOIN lists l USING (setrole, name)
   WHERE :'stage' <> 'early' OR s.name <> 'default_transaction_read_only'
  UNION ALL
  SELECT 4, format('COMMENT ON DATABASE %I IS %L', :'scratch', shobj_description(oid, 'pg_database'))
    FROM target WHERE shobj_description(oid, 'pg_database') IS NOT NULL
  UNION ALL
  SELECT 5, format('ALTER DATABASE %I CONNECTION LIMIT %s', :'scratch', datconnlimit)
    FROM target WHERE :'stage' <> 'early'
)
SELECT statement FROM statements ORDER BY place, statement
\gexec
