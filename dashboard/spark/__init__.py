"""Apache Spark beside DuckDB: builds cubes from facts too large for one machine and answers what is asked row by row."""
