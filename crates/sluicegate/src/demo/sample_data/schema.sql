CREATE TABLE Berths (
    BerthId       INTEGER PRIMARY KEY,
    Name          VARCHAR(40) NOT NULL,
    LengthMetres  DECIMAL(6, 1) NOT NULL,
    DepthMetres   DECIMAL(5, 1) NOT NULL,
    Sheltered     BOOLEAN NOT NULL
);

CREATE TABLE Ships (
    ShipId        INTEGER PRIMARY KEY,
    Name          VARCHAR(60) NOT NULL,
    Kind          VARCHAR(20) NOT NULL,
    Flag          VARCHAR(30) NOT NULL,
    BuiltYear     SMALLINT NOT NULL,
    LengthMetres  DECIMAL(6, 1) NOT NULL,
    GrossTonnage  INTEGER NOT NULL,
    Owner         VARCHAR(60),
    InspectedOn   DATE
);

CREATE TABLE Visits (
    VisitId       INTEGER PRIMARY KEY,
    ShipId        INTEGER NOT NULL REFERENCES Ships (ShipId),
    BerthId       INTEGER NOT NULL REFERENCES Berths (BerthId),
    ArrivedAt     DATETIME NOT NULL,
    DepartedAt    DATETIME,
    Pilot         VARCHAR(40),
    HarbourDues   DECIMAL(10, 2) NOT NULL
);

CREATE TABLE Cargo (
    VisitId       INTEGER NOT NULL REFERENCES Visits (VisitId),
    LineNumber    SMALLINT NOT NULL,
    Goods         VARCHAR(40) NOT NULL,
    Tonnes        DECIMAL(9, 2) NOT NULL,
    Direction     VARCHAR(10) NOT NULL,
    DeclaredValue DECIMAL(14, 2),
    Hazardous     BOOLEAN NOT NULL,
    PRIMARY KEY (VisitId, LineNumber)
);

CREATE INDEX VisitsByShip ON Visits (ShipId);
CREATE INDEX VisitsByArrival ON Visits (ArrivedAt);
