CREATE SCHEMA hr;
COMMENT ON EXTENSION citext IS 'case-insensitive text';
CREATE DOMAIN hr.amount AS numeric(12,2) CHECK (VALUE > 0);
CREATE TABLE hr.people (id uuid DEFAULT gen_random_uuid() NOT NULL, first text NOT NULL, last text NOT NULL,
    full_name text GENERATED ALWAYS AS (((first || ' '::text) || last)) STORED, salary hr.amount,
    left_on date, hired_on date DEFAULT CURRENT_DATE NOT NULL);
COMMENT ON TABLE hr.people IS 'Everybody';
COMMENT ON COLUMN hr.people.salary IS 'a year, before tax';
CREATE TABLE hr.projects (code character(6) NOT NULL, title text NOT NULL, tags text[] DEFAULT '{}'::text[] NOT NULL);
CREATE TABLE hr.project_members (project_code character(6) NOT NULL, person_id uuid NOT NULL);
CREATE TABLE hr.followers (project_code character(6) NOT NULL, person_id uuid NOT NULL);
CREATE TABLE hr.leaves (id bigint NOT NULL, person_id uuid NOT NULL, approver_id uuid, starts_on date NOT NULL, ends_on date NOT NULL,
    days integer GENERATED ALWAYS AS (((ends_on - starts_on) + 1)) STORED, active boolean DEFAULT true NOT NULL,
    CONSTRAINT not_self CHECK ((approver_id <> person_id)), CONSTRAINT gone CHECK (((active = false) OR (approver_id IS NOT NULL))));
ALTER TABLE ONLY hr.people ADD CONSTRAINT p PRIMARY KEY (id);
ALTER TABLE ONLY hr.projects ADD CONSTRAINT q PRIMARY KEY (code);
ALTER TABLE ONLY hr.project_members ADD CONSTRAINT r PRIMARY KEY (project_code, person_id);
ALTER TABLE ONLY hr.followers ADD CONSTRAINT r2 PRIMARY KEY (project_code, person_id);
ALTER TABLE ONLY hr.leaves ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (SEQUENCE NAME hr.s START WITH 1);
ALTER TABLE ONLY hr.leaves ADD CONSTRAINT s PRIMARY KEY (id);
CREATE UNIQUE INDEX one_active ON hr.leaves USING btree (person_id) WHERE (active = true);
CREATE UNIQUE INDEX lower_title ON hr.projects USING btree (lower(title));
ALTER TABLE hr.people ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON hr.people USING (id = current_user_id());
ALTER TABLE ONLY hr.project_members ADD CONSTRAINT a FOREIGN KEY (project_code) REFERENCES hr.projects(code) ON DELETE CASCADE;
ALTER TABLE ONLY hr.project_members ADD CONSTRAINT b FOREIGN KEY (person_id) REFERENCES hr.people(id) ON DELETE CASCADE;
ALTER TABLE ONLY hr.followers ADD CONSTRAINT a2 FOREIGN KEY (project_code) REFERENCES hr.projects(code);
ALTER TABLE ONLY hr.followers ADD CONSTRAINT b2 FOREIGN KEY (person_id) REFERENCES hr.people(id);
ALTER TABLE ONLY hr.leaves ADD CONSTRAINT c FOREIGN KEY (person_id) REFERENCES hr.people(id) ON DELETE CASCADE;
ALTER TABLE ONLY hr.leaves ADD CONSTRAINT d FOREIGN KEY (approver_id) REFERENCES hr.people(id) ON DELETE SET NULL;
