-- +goose Up
-- What the application's queries need beyond what SQLite and PostgreSQL have in common; SQLite gets it from the program.
CREATE FUNCTION instr(text, text) RETURNS int LANGUAGE sql IMMUTABLE STRICT AS 'SELECT strpos($1, $2)';
CREATE FUNCTION starts_text(text, text) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT AS 'SELECT starts_with($1, $2)';
CREATE FUNCTION ends_text(text, text) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT AS 'SELECT right($1, length($2)) = $2';
CREATE FUNCTION matches_text(text, text) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT AS 'SELECT $1 ~ $2';
CREATE FUNCTION exact(numeric) RETURNS numeric LANGUAGE sql IMMUTABLE STRICT AS 'SELECT $1';
CREATE FUNCTION exact(double precision) RETURNS double precision LANGUAGE sql IMMUTABLE STRICT AS 'SELECT $1';
CREATE FUNCTION days_between(date, date) RETURNS bigint LANGUAGE sql IMMUTABLE STRICT AS 'SELECT ($2 - $1)::bigint';
CREATE FUNCTION seconds_between(timestamptz, timestamptz) RETURNS numeric LANGUAGE sql IMMUTABLE STRICT
  AS 'SELECT EXTRACT(EPOCH FROM $2 - $1)';
CREATE FUNCTION seconds_between(date, date) RETURNS numeric LANGUAGE sql IMMUTABLE STRICT AS 'SELECT ($2 - $1) * 86400.0';
CREATE FUNCTION whole_days_between(timestamptz, timestamptz) RETURNS bigint LANGUAGE sql IMMUTABLE STRICT
  AS 'SELECT FLOOR(EXTRACT(EPOCH FROM $2 - $1) / 86400)::bigint';
CREATE FUNCTION add_days(date, bigint) RETURNS date LANGUAGE sql IMMUTABLE STRICT
  AS 'SELECT $1 + floor($2 / 86400.0)::int';
CREATE FUNCTION add_seconds(timestamptz, bigint) RETURNS timestamptz LANGUAGE sql IMMUTABLE STRICT
  AS 'SELECT $1 + make_interval(secs => $2)';
CREATE FUNCTION date_of(timestamptz) RETURNS date LANGUAGE sql IMMUTABLE STRICT AS 'SELECT ($1 AT TIME ZONE ''UTC'')::date';
CREATE FUNCTION month_of(timestamptz) RETURNS text LANGUAGE sql IMMUTABLE STRICT
  AS 'SELECT to_char($1 AT TIME ZONE ''UTC'', ''YYYY-MM'')';
CREATE FUNCTION month_of(date) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS 'SELECT to_char($1, ''YYYY-MM'')';
CREATE FUNCTION weekday_of(timestamptz) RETURNS bigint LANGUAGE sql IMMUTABLE STRICT
  AS 'SELECT EXTRACT(ISODOW FROM $1 AT TIME ZONE ''UTC'')::bigint';
CREATE FUNCTION weekday_of(date) RETURNS bigint LANGUAGE sql IMMUTABLE STRICT AS 'SELECT EXTRACT(ISODOW FROM $1)::bigint';
CREATE FUNCTION hour_of(timestamptz) RETURNS timestamptz LANGUAGE sql IMMUTABLE STRICT
  AS 'SELECT date_trunc(''hour'', $1, ''UTC'')';
CREATE FUNCTION start_of_day(date) RETURNS timestamptz LANGUAGE sql IMMUTABLE STRICT
  AS 'SELECT $1::timestamp AT TIME ZONE ''UTC''';
CREATE FUNCTION hours_of(timestamptz) RETURNS bigint LANGUAGE sql IMMUTABLE STRICT
  AS 'SELECT EXTRACT(HOUR FROM $1 AT TIME ZONE ''UTC'')::bigint';
CREATE FUNCTION minutes_of(timestamptz) RETURNS bigint LANGUAGE sql IMMUTABLE STRICT
  AS 'SELECT EXTRACT(MINUTE FROM $1 AT TIME ZONE ''UTC'')::bigint';
CREATE FUNCTION seconds_of(timestamptz) RETURNS bigint LANGUAGE sql IMMUTABLE STRICT
  AS 'SELECT FLOOR(EXTRACT(SECOND FROM $1))::bigint';
CREATE FUNCTION year_of(timestamptz) RETURNS bigint LANGUAGE sql IMMUTABLE STRICT
  AS 'SELECT EXTRACT(YEAR FROM $1 AT TIME ZONE ''UTC'')::bigint';
CREATE FUNCTION year_of(date) RETURNS bigint LANGUAGE sql IMMUTABLE STRICT AS 'SELECT EXTRACT(YEAR FROM $1)::bigint';
CREATE FUNCTION month_from_zero(timestamptz) RETURNS bigint LANGUAGE sql IMMUTABLE STRICT
  AS 'SELECT EXTRACT(MONTH FROM $1 AT TIME ZONE ''UTC'')::bigint - 1';
CREATE FUNCTION month_from_zero(date) RETURNS bigint LANGUAGE sql IMMUTABLE STRICT
  AS 'SELECT EXTRACT(MONTH FROM $1)::bigint - 1';
CREATE FUNCTION round_half_up(numeric, bigint) RETURNS numeric LANGUAGE sql IMMUTABLE STRICT AS 'SELECT round($1, $2::int)';
CREATE FUNCTION round_half_up(double precision, bigint) RETURNS double precision LANGUAGE sql IMMUTABLE STRICT
  AS 'SELECT round($1::numeric, $2::int)::double precision';
CREATE FUNCTION floor_of(numeric) RETURNS bigint LANGUAGE sql IMMUTABLE STRICT AS 'SELECT floor($1)::bigint';
CREATE FUNCTION floor_of(double precision) RETURNS bigint LANGUAGE sql IMMUTABLE STRICT AS 'SELECT floor($1)::bigint';
CREATE FUNCTION ceil_of(numeric) RETURNS bigint LANGUAGE sql IMMUTABLE STRICT AS 'SELECT ceil($1)::bigint';
CREATE FUNCTION ceil_of(double precision) RETURNS bigint LANGUAGE sql IMMUTABLE STRICT AS 'SELECT ceil($1)::bigint';
CREATE FUNCTION truncated(numeric) RETURNS numeric LANGUAGE sql IMMUTABLE STRICT AS 'SELECT trunc($1)';
CREATE FUNCTION truncated(double precision) RETURNS double precision LANGUAGE sql IMMUTABLE STRICT AS 'SELECT trunc($1)';
CREATE FUNCTION least_of(anycompatible, anycompatible) RETURNS anycompatible LANGUAGE sql IMMUTABLE STRICT AS 'SELECT LEAST($1, $2)';
CREATE FUNCTION greatest_of(anycompatible, anycompatible) RETURNS anycompatible LANGUAGE sql IMMUTABLE STRICT AS 'SELECT GREATEST($1, $2)';
CREATE FUNCTION text_of(bigint) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS 'SELECT $1::text';
CREATE FUNCTION text_of(numeric) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS 'SELECT trim_scale($1)::text';
CREATE FUNCTION text_of(double precision) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS 'SELECT $1::text';
CREATE FUNCTION text_of(text) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS 'SELECT $1';
CREATE FUNCTION text_of(date) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS 'SELECT $1::text';
CREATE FUNCTION text_of(boolean) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS 'SELECT $1::text';

-- +goose Down
SELECT 'the functions are dropped with the database';
