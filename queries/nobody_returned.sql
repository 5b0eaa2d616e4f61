-- Whether no patient attended twice among fifty visits or more: then nothing told patients apart, or all are new.
-- sites: none
-- serves: account
select coalesce(sum(arrived + completed) >= 50 and sum(arrived + completed) = sum(new_patients), false) as nobody_returned
from daily
