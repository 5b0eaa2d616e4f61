"""Apache Spark beside DuckDB: builds cubes, and answers questions about rows that this machine doesn't see."""
