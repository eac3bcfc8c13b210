-- How a grant was created. It is absent in rows of versions that do not know the column: those show it by their code.
ALTER TABLE grants ADD COLUMN origin INTEGER;
