"""Deliveries as workbooks: what stands in their cells, in which sheet, and what is told where one can't be read."""

from __future__ import annotations

import base64
import csv
import datetime as dt
import hashlib
import io
import zipfile
import zlib
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st
from intake_clinic import BOOKINGS, Clinic, Export
from intake_workbooks import HEADER, visit, write

from dashboard.intake.compare import differing
from dashboard.intake.contract import DeliveryError
from dashboard.intake.publish import Rules
from dashboard.intake.reading import workbook

#: A workbook of the Excel of before 2007, of the visit 17.
OLD = (
    "c-rk)O=uHA6#izj`Dy7-T2rAFN+?*hHizOxgf>;MJz1&;6%p$;S=uE{wj^tz9<*9}6a-I-mqI;wse17TJ?PDYP|<@R2&saXo&*IC"
    "ZPqt$cSBkc8qi{8zh&OM_vYu#&YL$gyKk17it`WKmazeS2%u!wAXK3flxjR73M#j4$$EK&lI>$#p(a9(3<dG5{&iUTQ2Kir3LdC0"
    "i2|P}oy8=E%$y$ILLA{SXhM#mm#DxU(lnrzN7c+U#dHVL`&{!m(|*=mXWC13i{cEHl0#hw-Bo;A>EN;k$bKJln-"
    "8q%K?`2VRebq|aOwteIB#eZ+pM5nt-}Jyp@Vu(&r7)lcV);<6B5~MBAt$pj~~iri-"
    "?iS7x3MV1K+&Zei8TeTdNl!{g3tf@Ne`Ha^*(-O+^J}V4vqunWLqBPIbchq){-"
    "e!YWMElI*5Y)65vTu@NIp!lY&ydd?z&nown()=fdrPZ=qlcKd>*<*mYqW`&ryE)*zGhI^<^YTQU^V<y#^GAu1?<Ps_3Q)YH@Lbr6"
    ";Go0Nex^8!==cubAnnok@O&ohsda>1eU*8@Z9Zrt0W`<7`=iJ#XUl2B~$QIPNflCy4y>>CbpXpWZbr<t(Ok)%nly?rdxXi#T*SW@"
    "}on+?#<6Ux31;3a0xs~Hj+UGte_YuE1xO_3T_&zz04mt<Z)LuTb=oa1L_AQC0NiP@f9`%uF>o5CNM2Wg%x81|F5o_!o(0oWZlAIk"
    ";mK1lc94SCjpe(5*sbwihQqZ*{HrTnO)UvJ#18#l6c0y%I+6k8>X-"
    "9e@K(j8$Ml*LbG5w|ADVMh7y`WEN#v^t~f5ok#7CwCV@ZrOU4<A1M9SHXp9pD=z_|7QrfnoQ*&KjkX|C{8$#R>W_G-"
    "1)_<Wb}(&ttl(^|KQ};q@gp*~a@{C~=Cc=aIoEk0Vp{`lYWdQTaZbZW#S@AylpXQZ?iJ%l3Z)N#67L"
)
#: A binary workbook of Excel, of the visit 17.
BINARY = (
    "P)h>@6aWAK2mpqHeq9XZcf#)g002w^000vJ003J<Z*FvDZggK%d2nTOT`qWSY^{>bPQx$|gkL4{6~&u!;DD0!P<jOpyuilYHc|X1uPMpfvq=#W"
    "5-O_1$+CB5KF!MYc5=2jQ{o}`Ms0MZwr%}3N8&;zo*UKY93KJL^yH9rh~#B*49Q`ZYdS$hGvbNhzN#L;1fR+0GA|jbt)J+K?=~0vNuDp1Zt$wu"
    "U33eoQ5d5g3}zX_*&npyk|sk|b5E4D7%<J+p-Exyv9lx+loa?iKau4>06$xlUk$W4R}J?=<U0{8gcn&)8V*#vV#?3xBn~DEA0drh2&4YjI#*z;"
    "nPELPw@|;$R{)%6OMFw8)v-jv`d`{lP)h>@6aWAK2mpqHeqFs(aNL#v000F6000XB003WdWo&aVE^=jTbB&Kp4uUWcg|E`g0T^)M!cf?_VN1L~"
    "DFZanPSaM!+uNlW7cSpVzL!_GyWPZtLNx3oR7DAGQ}?u~l#RF;A4P7sC}By-Ul5~S$f{VdCzq3ngH<WZFr!y`RWsqKEYBD|8E|BZZj=zZu>x^>"
    "dHRRV(_}PVS>G+W^kd?yk;y8|lqBpMJ~^xd^I8nX0X8)r4mNL4O9KQH000080EU8oU28un{;L200EGbn02%-Q0C;RKUvgz^b1!#qa%*C5Z)+}M"
    "X>KlZWo&b;kUI{8Fc3tqf_wlLC{jcinlx#nT);64w!j~Goe#H<l_(!1iWI3<GrM{-+Pb}&DZ5}G?JQ?yUa+>Q4>*aK3{u)tmM$!DregG40Fnxg"
    "pxk-1Y16x4L`*Ua;DsE;fKV012EsRkEt%QA<1FmEl4Zx)<1cL2_gdo4$+JNlS0do*!bl1+Ca4GlM$X<A!DE#9Nm~Z%WvYLcp*T-SpC(WJiigF6"
    "n>$cT0|XQR000O8hJt=wWL0FsEC2uiGXMYp4*&oFcx*3sZ*ps5Z*OZZVrgz`W@PARWSGOK!T<z}K+FQfMGT${DGY`TY(RDxLncEp5SIYS35*Oa"
    "j0^x!O9KQH000080EU8oU1z=96VCtu0Fwa#02lxO0C;RKcW-iQb7*B{baO9rXk}$|F)m_hZgr4P4goP3#osq(D#T(I7FbLifQ1`aS-XLZA&BuO"
    "l*E!75NC7_uhmK;(Mdbg@Avx6d%X&tl7d6<842f|o3`7dCqGnmJ*sm~vE#GG3R^5N;d@4f1d2U!Xx8UcXs>8SP7!k+S<~dIQ*qU*t<G`4nXE7@"
    "iyf<3rrGtt^~jE<ziK6pt1s6$@e6JF7bR-=C?j()^~{(XV?aYuV5q>-n#mb-M?;ms(Ah@Fv9TA?rz%O~;BV#SHB?y=oG931!^<fd&V--gA-D<N"
    "P)h>@6aWAK2mpqHeq9eh%y=9C001-q000dD004MwFLQKxY-MvUVrg!h#>DWFg@uWMfk9t@0S$me#85<Du`o<$VgLY8O928D0~7!N00;nvf__~L"
    "<#)pG0000?0ssIL00000000000001h0RR9109!+EZggdCbYE0?aAk8{E_iKhP)h*<6ay3h000O8hJt=wy;N}AmH+?%1pxp63jhEB0000000000"
    "fB_%@003WdWo&aVE^=jTb5KhG0u%!j000080EU8oU28un{;L200EGbn02%-Q00000000000DuAC0RRAaY%gDOWo&aVcW-iQVsCG2E@EkJE^=jT"
    "b5KhG0u%!j000080EU8oU1U{c!Ylv)05bpp01p5F00000000000Du9)0ssJbY%h0ja%*C5Z)+}MX>L$U0Rj{Q6aWAK2mpqHeqCq1+Y`?K005H#"
    "000;O0000000000004ji8v_6Ucx*3sZ*psMXk}$|b1!pfWo2|RE@EkJP)h*<6ay3h000O8hJt=w4?xU#8~^|SGynhq4FCWD0000000000fB_%`"
    "004MwFLQKxY-MvUVrgzrO9ci10000600sbn0RRAJ1ONa400"
)
#: What mappings say of visits whose columns are the contract's.
COLUMNS = "[bookings.columns]\n" + "".join(f'{name} = "{name}"\n' for name in HEADER)


def test_a_workbook_gives_what_its_rows_give_as_csv(tmp_path: Path) -> None:
    """Typed cells, an empty row, a line end in a cell, ids of digits, faults with the rows' own numbers."""
    header = [*HEADER, "birth_date", "price", "side_effects_assessed", "provider"]
    rows = [
        [17, "00017", "chicago", "vitamin-c", dt.datetime(2026, 1, 5, 9, 30), "completed", dt.date(1980, 5, 1), 475, True, "Dr. A\nB"],
        [],
        ["B,18", "P1", "dallas", "ketamine-infusion", dt.datetime(2026, 1, 6, 0, 0), "no_show", dt.date(1970, 1, 31), 118.8, False, 'the "old" one'],
        [19, "P2", "boston", "vitamin-c", dt.datetime(2026, 1, 6, 9, 0), "completed", "soon", 0.1 + 0.2, None, ""],
    ]  # fmt: skip
    lines = [
        "17,00017,chicago,vitamin-c,2026-01-05 09:30:00,completed,1980-05-01,475,TRUE,Dr. A B",
        "",
        '"B,18",P1,dallas,ketamine-infusion,2026-01-06 00:00:00,no_show,1970-01-31,118.8,FALSE,"the ""old"" one"',
        "19,P2,boston,vitamin-c,2026-01-06 09:00:00,completed,soon,0.3,,",
    ]
    clinic = Clinic(tmp_path)
    clinic.write("bookings.csv", ",".join(header), *lines)
    as_csv, as_csv_rejects = clinic.publish(), clinic.rejects()
    (clinic.delivery / "bookings.csv").unlink()
    write(clinic.delivery / "Bookings.xlsx", Visits=[header, *rows])
    as_book, as_book_rejects = clinic.publish(), clinic.rejects()
    assert differing(as_csv.path, as_book.path) == []
    assert clinic.ask("select booking_id, price_cents, provider from bookings order by all") == [
        ("17", 47500, "Dr. A B"), ("B,18", 11880, 'the "old" one'),
    ]  # fmt: skip
    assert [("Bookings.xlsx", *rest) for _, *rest in as_csv_rejects] == as_book_rejects
    assert {line for _, line, *_ in as_book_rejects} == {5}


def test_sheets_are_read_by_name_number_and_pattern_and_tell_the_site(tmp_path: Path) -> None:
    export = Export(tmp_path)
    titled = [["Visits of the practice"], [], HEADER]
    write(
        export.clinic.delivery / "clinic 2026.xlsx",
        hidden="Site_Old",
        Read_me=[["Confidential"]],
        Site_Chicago=[*titled, visit(1, ""), visit(2, "")],
        Site_Dallas=[*titled, visit(3, "")],
        Site_Old=[*titled, visit(4, "chicago")],
        Effects=[["event_id", "booking_id", "effect"], [1, 3, "nausea"]],
    )
    export.write("~$clinic 2026.xlsx", "somebody")
    sites = '{ file_name = true, values = { "clinic 2026 [Site Chicago]" = "chicago", "clinic 2026 [Site Dallas]" = "dallas" } }'
    by_name = COLUMNS.replace('site = "site"', f"site = {sites}")
    effects = '[side_effects]\nfile = "*.xlsx"\nsheet = "effects"\n[side_effects.columns]\nevent_id = "event_id"\nbooking_id = "booking_id"\neffect = "effect"\n'
    report = export.publish(f'[bookings]\nfile = "*.xlsx"\nsheet = "site *"\nskip = 2\n{by_name}{effects}')
    assert export.bookings("booking_id, site::varchar") == [("1", "chicago"), ("2", "chicago"), ("3", "dallas")]
    assert export.clinic.ask("select booking_id, site::varchar from side_effects") == [("3", "dallas")]
    assert [one.file for one in report.files] == [
        "clinic 2026.xlsx [Site Chicago]", "clinic 2026.xlsx [Site Dallas]", "clinic 2026.xlsx [Effects]",
    ]  # fmt: skip
    assert "clinic 2026.xlsx: sheets that are not read: Read me" in report.lines()
    at_chicago = COLUMNS.replace('site = "site"', 'site = { constant = "chicago" }')
    mapping = f'[bookings]\nfile = "*.xlsx"\nsheet = [2, "site old", "Site C*"]\nskip = 2\n{at_chicago}{effects}'
    report = export.publish(mapping, rules=Rules(accept_drop=True))
    # The side effect's booking is in none of them.
    assert [one.rows_rejected for one in report.files] == [0, 0, 1]
    assert [booking for (booking,) in export.bookings("booking_id")] == ["1", "2", "4"]


def test_a_join_takes_its_rows_from_another_sheet(tmp_path: Path) -> None:
    export = Export(tmp_path)
    people = [["Patient", "Born"], ["P1", dt.date(1980, 5, 1)], ["P2", dt.date(2010, 5, 1)]]
    write(export.clinic.delivery / "all.xlsx", Visits=[HEADER, visit(1), visit(2)], People=people)
    join = '[joins.people]\nfile = "all.xlsx"\nsheet = "People"\nkey = "patient_id"\nother_key = "Patient"\n'
    age = 'birth_date = { join = "people", column = "Born" }\n'
    report = export.publish(f'{join}[bookings]\nfile = "all.xlsx"\n{COLUMNS}{age}')
    assert export.bookings("booking_id, age") == [("1", 45), ("2", 15)]
    assert "sheets that are not read" not in "\n".join(report.lines())


def ods() -> bytes:
    """What an office writes in the open format, of the visit 17."""

    def cell(value: str) -> str:
        return f'<table:table-cell office:value-type="string"><text:p>{value}</text:p></table:table-cell>'

    start = '<table:table-cell office:value-type="date" office:date-value="2026-01-05T09:00:00"><text:p>5 Jan</text:p></table:table-cell>'
    number = '<table:table-cell office:value-type="float" office:value="17"><text:p>17</text:p></table:table-cell>'
    row = number + "".join(map(cell, ("P1", "chicago", "vitamin-c"))) + start + cell("completed")
    spaces = " ".join(
        f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in ("office", "table", "text")
    )
    rows = "".join(f"<table:table-row>{cells}</table:table-row>" for cells in ("".join(map(cell, HEADER)), row))
    body = f'<office:body><office:spreadsheet><table:table table:name="Visits">{rows}</table:table></office:spreadsheet></office:body>'
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr(
            "content.xml", f'<?xml version="1.0"?><office:document-content {spaces}>{body}</office:document-content>'
        )
        archive.writestr(
            "META-INF/manifest.xml",
            '<?xml version="1.0"?><manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>',
        )
    return made.getvalue()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("bookings.xls", zlib.decompress(base64.b85decode(OLD))),
        ("bookings.ods", ods()),
        ("bookings.xlsb", base64.b85decode(BINARY)),
    ],
)
def test_other_kinds_of_workbooks(clinic: Clinic, name: str, content: bytes) -> None:
    (clinic.delivery / "bookings.csv").unlink()
    clinic.write_bytes(name, content)
    clinic.publish()
    assert clinic.ask("select booking_id, starts_at from bookings") == [("17", dt.datetime(2026, 1, 5, 9))]
    assert clinic.one("select sha256 from sources where source = 'bookings'") == hashlib.sha256(content).hexdigest()


def test_the_first_sheet_that_holds_anything_is_read(clinic: Clinic) -> None:
    (clinic.delivery / "bookings.csv").unlink()
    write(
        clinic.delivery / "bookings.xlsx", hidden="Lists", Empty=[], Lists=[["vitamin-c"]], Visits=[HEADER, visit(1)]
    )
    clinic.publish()
    assert clinic.ask("select booking_id from bookings") == [("1",)]


def locked() -> bytes:
    """An old workbook whose second record says that the others are encrypted."""
    old = bytearray(zlib.decompress(base64.b85decode(OLD)))
    first = old.index(b"\x09\x08", 512)
    second = first + 4 + int.from_bytes(old[first + 2 : first + 4], "little")
    old[second : second + 2] = b"\x2f\x00"
    return bytes(old)


def refused(clinic: Clinic, **options: Any) -> str:
    with pytest.raises(DeliveryError) as refusal:
        clinic.publish(**options)
    assert not list((clinic.data / "extracts").glob("*.duckdb"))
    return str(refusal.value)


def test_what_cannot_be_read_says_why_and_what_to_do(
    clinic: Clinic, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (clinic.delivery / "bookings.csv").unlink()
    book = clinic.delivery / "bookings.xlsx"
    write(book, Visits=[HEADER, visit(1)])
    whole = book.read_bytes()
    book.write_bytes(whole[: len(whole) // 2])
    assert "bookings.xlsx is a ZIP archive or a damaged workbook" in refused(clinic)
    book.write_bytes(whole.replace(b"xl/worksheets/sheet1.xml", b"xl/worksheets/sheet7.xml"))
    assert "bookings.xlsx is no workbook that can be read" in refused(clinic)
    book.write_bytes(bytes.fromhex("d0cf11e0a1b11ae1") + bytes(600))
    assert "save each table as “CSV UTF-8”" in refused(clinic)
    encrypted = io.BytesIO()
    with zipfile.ZipFile(encrypted, "w") as archive:
        archive.writestr("encrypted-package", bytes(60))
    for name, content in (("bookings.xls", locked()), ("bookings.ods", encrypted.getvalue())):
        book.unlink()
        book = clinic.delivery / name
        book.write_bytes(content)
        assert f"{name} is a workbook that needs a password; save it without one, or save each" in refused(clinic)
    book.unlink()
    book = clinic.delivery / "bookings.xlsx"
    with xlsxwriter.Workbook(str(book)) as far:
        sheet = far.add_worksheet()
        sheet.write(0, 0, "booking_id")
        sheet.write(1_048_575, 16_383, "x")
    assert "bookings.xlsx is a workbook that memory does not hold, since it is damaged or a cell far" in refused(
        clinic
    )
    write(book, Empty=[])
    assert "bookings.xlsx has no readable header: it is empty" in refused(clinic)
    write(book, Visits=[HEADER, visit(1)])
    assert "is a workbook and has no lines, so --rejects cannot" in refused(clinic, rejects=tmp_path / "rejects")
    monkeypatch.setattr(workbook, "LARGEST", 1000)
    assert "is a workbook of more than 1,000 bytes when it is unpacked; save" in refused(clinic)


def test_a_damaged_workbook_ends_no_import(clinic: Clinic) -> None:
    """What reads it panics at some of these."""
    (clinic.delivery / "bookings.csv").unlink()
    old = bytearray(zlib.decompress(base64.b85decode(OLD)))
    for cut in range(600, len(old), 499):
        clinic.write_bytes("bookings.xls", bytes(old[:cut]))
        assert "bookings.xls is no workbook that can be read" in refused(clinic)


def test_a_sheet_that_is_not_there_is_named_with_those_that_are(tmp_path: Path) -> None:
    export = Export(tmp_path)
    write(export.clinic.delivery / "a.xlsx", Visits=[HEADER, visit(1)], Other=[["x"]])
    export.write("b.csv", BOOKINGS)
    for sheet, words in (
        ('"May"', "a.xlsx has no sheet 'May', but 'Visits', 'Other'; correct sheet"),
        ("7", "a.xlsx has no sheet 7, but"),
        ('"May*"', "a.xlsx has no sheet 'May*', but"),
        ("0", "sheet must be the name of a workbook's sheet in quotes, or its number from 1, not 0"),
        ("true", "not True"),
        ('[""]', "not ''"),
    ):
        with pytest.raises(DeliveryError) as refusal:
            export.publish(f'[bookings]\nfile = "a.xlsx"\nsheet = {sheet}\n{COLUMNS}')
        assert words in str(refusal.value)
    with pytest.raises(DeliveryError, match=r"b\.csv is no workbook, so that it has no sheet; take sheet out"):
        export.publish(f'[bookings]\nfile = "b.csv"\nsheet = "Visits"\n{COLUMNS}')


def test_a_day_among_moments_is_midnight(tmp_path: Path) -> None:
    write(
        tmp_path / "a.xlsx",
        S=[["at", "on"], [dt.datetime(2026, 1, 5, 9), dt.date(2026, 1, 5)], [dt.date(2026, 1, 6), 2]],
    )
    with workbook.SheetText(tmp_path / "a.xlsx") as text:
        assert text.read() == b"at,on\n2026-01-05 09:00:00,2026-01-05\n2026-01-06 00:00:00,2\n"


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (17.0, "17"), (-3.0, "-3"), (475.5, "475.5"), (0.1 + 0.2, "0.3"), (1e14, "100000000000000"), (1.5e17, "1.5e+17"),
        (True, "TRUE"), ("007", "007"), (dt.datetime(2026, 1, 5, 8, 59, 59, 999_998), "2026-01-05 09:00:00"),
        (dt.time(9, 5), "09:05:00"), (dt.timedelta(hours=30, minutes=5), "30:05:00"), (-dt.timedelta(minutes=90), "-1:30:00"),
        (dt.datetime.max, "9999-12-31 23:59:59"), (dt.date(945, 1, 5), "0945-01-05"), ('a "b"\r\nc', '"a ""b"" c"'),
    ],
)  # fmt: skip
def test_cells_as_text(cell: workbook.Cell, text: str) -> None:
    assert workbook.text_of(cell) == text


@given(
    st.lists(
        st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=9), min_size=2, max_size=4),
        min_size=1,
        max_size=6,
    )
)
def test_texts_come_back_from_the_csv_as_they_were(rows: list[list[str]]) -> None:
    lines = [",".join(map(workbook.text_of, row)) for row in rows]
    assert list(csv.reader(lines)) == rows


def test_it_is_read_in_parts_of_any_size(tmp_path: Path) -> None:
    write(tmp_path / "a.xlsx", S=[HEADER, *(visit(number) for number in range(50))])
    with workbook.SheetText(tmp_path / "a.xlsx") as text:
        whole = text.read()
    assert whole.count(b"\n") == 51
    for size in (7, 100, len(whole) - 1, len(whole), len(whole) + 5):
        with workbook.SheetText(tmp_path / "a.xlsx") as text:
            parts = list(iter(lambda text=text, size=size: text.read(size), b""))
        assert b"".join(parts) == whole
        assert {len(part) for part in parts[:-1]} <= {size}
