-- The files of the delivery with what became of their rows.
select source, file, rows_read, rows_accepted, rows_rejected, rows_left_out from sources order by rowid
