-- What went to an installation, and what of it was given up, newest first: without a look at what went to others.
CREATE INDEX deliveries_of ON deliveries (installation, number);
CREATE INDEX deliveries_dead ON deliveries (installation, number) WHERE state = 3;
