"""Work of many steps that begins with data and ends with a page or a table: the demonstration, the published cells."""
