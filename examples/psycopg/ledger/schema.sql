CREATE TABLE account (
    id       integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    owner    text NOT NULL,
    currency char(3) NOT NULL,
    cents    bigint NOT NULL DEFAULT 0 CONSTRAINT no_debts CHECK (cents >= 0 OR owner = 'bank')
);

CREATE TABLE transfer (
    id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source integer NOT NULL REFERENCES account,
    target integer NOT NULL REFERENCES account,
    cents  bigint NOT NULL CHECK (cents > 0),
    made   timestamptz NOT NULL DEFAULT now(),
    CHECK (source <> target)
);
CREATE INDEX ON transfer (source);
CREATE INDEX ON transfer (target);

-- Every transfer moves money, and nothing else does.
CREATE FUNCTION move() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- Always in the same order, so that two transfers never wait for each other in a circle.
    PERFORM 1 FROM account WHERE id IN (NEW.source, NEW.target) ORDER BY id FOR UPDATE;
    IF (SELECT count(DISTINCT currency) FROM account WHERE id IN (NEW.source, NEW.target)) > 1 THEN
        RAISE EXCEPTION 'accounts % and % differ in currency', NEW.source, NEW.target;
    END IF;
    UPDATE account SET cents = cents - NEW.cents WHERE id = NEW.source;
    UPDATE account SET cents = cents + NEW.cents WHERE id = NEW.target;
    RETURN NEW;
END $$;

CREATE TRIGGER move BEFORE INSERT ON transfer FOR EACH ROW EXECUTE FUNCTION move();

INSERT INTO account (owner, currency) VALUES ('bank', 'EUR'), ('bank', 'CHF');
