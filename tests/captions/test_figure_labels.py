"""The grammar of printed figure labels: every form, what only looks like one, and keys shared by PDF, JATS and text."""

from covidct.captions.figure_labels import label_key, parent_key, read_label
from covidct.captions.mentions import find_mentions, mentioned

FIGURES = {
    "Figure 1. Cages": ("Figure 1", "1", "Cages"),
    "Figure1. Cages": ("Figure1", "1", "Cages"),
    "Fig1. Cages": ("Fig1", "1", "Cages"),
    "FigS1 Cages": ("FigS1", "S1", "Cages"),
    "Figure-1: Cages": ("Figure-1", "1", "Cages"),
    "Fig. (1). Cages": ("Fig. (1)", "1", "Cages"),
    "Figure No. 1 Cages": ("Figure No. 1", "1", "Cages"),
    "Figure. Cages of sand": ("Figure", "", "Cages of sand"),
    "Figure: Cages of sand": ("Figure", "", "Cages of sand"),
    "FIGURE Cages": ("FIGURE", "", "Cages"),
    "F I G U R E 1  Cages": ("FIGURE 1", "1", "Cages"),
    "FI G U R E 1 Cages": ("FIGURE 1", "1", "Cages"),
    "S1 Fig. Cages": ("S1 Fig", "S1", "Cages"),
    "SI Figure 1 Cages": ("SI Figure 1", "S1", "Cages"),
    "Figure 1S. Cages": ("Figure 1S", "S1", "Cages"),
    "Supplementary Fig. 4 Cages": ("Supplementary Fig. 4", "S4", "Cages"),
    "Additional file 1: Figure S1. Cages": ("Additional file 1: Figure S1", "S1", "Cages"),
    "Extended Data Figure 3. Cages": ("Extended Data Figure 3", "E3", "Cages"),
    "Appendix Figure 1 Cages": ("Appendix Figure 1", "A1", "Cages"),
    "Figure 1A. Cages": ("Figure 1A", "1A", "Cages"),
    "Figure 2.1. Cages": ("Figure 2.1", "2.1", "Cages"),
    "FIGURE IV. Cages": ("FIGURE IV", "4", "Cages"),
    "Figure 1—figure supplement 2. Cages": ("Figure 1—figure supplement 2", "1-2", "Cages"),
    "Image 1. Cages": ("Image 1", "1", "Cages"),
    "图1 笼子": ("图1", "1", "笼子"),
    "그림 1. 상자": ("그림 1", "1", "상자"),
    "Рис. 1. Клетки": ("Рис. 1", "1", "Клетки"),
    "Şekil 1. Kafes": ("Şekil 1", "1", "Kafes"),
    "Ryc. 1. Klatki": ("Ryc. 1", "1", "Klatki"),
    "Εικόνα 1. Κλουβιά": ("Εικόνα 1", "1", "Κλουβιά"),
    "图十二 笼子": ("图十二", "12", "笼子"),
    "\uff26\uff49\uff47\uff0e\uff11\u3000Cages": ("Fig.1", "1", "Cages"),
    "Figuur 1. Kooien": ("Figuur 1", "1", "Kooien"),
    "Gambar 1. Sangkar": ("Gambar 1", "1", "Sangkar"),
    "Kuva 1. Häkit": ("Kuva 1", "1", "Häkit"),
    "Фиг. 1. Клетки": ("Фиг. 1", "1", "Клетки"),
    "Мал. 1. Клітки": ("Мал. 1", "1", "Клітки"),
    "1. ábra. Ketrecek": ("1. ábra", "1", "Ketrecek"),
    "الشكل ١: أقفاص": ("الشكل ١", "1", "أقفاص"),
    "รูปที่ 1 กรง": ("รูปที่ 1", "1", "กรง"),
    "Supplementary Material Figure 2. Cages": ("Supplementary Material Figure 2", "S2", "Cages"),
    "Appendix 1 Figure 2. Cages": ("Appendix 1 Figure 2", "A2", "Cages"),
    "Figure [1] Cages": ("Figure [1]", "1", "Cages"),
}
NOTHING = (
    "(Figure 1)",
    "[Fig. 2]",
    "Figure legends",
    "Figurines 1",
    "Figure",
    "Image 1",
    "Image 1 shows cages",
    "Supplementary Figure",
    "SIgnificant fig",
    "图像一",
    "Figure [1 Cages",
    "1. Introduction",
    "12 pavements",
    "Malignant 3",
)


def test_every_form_of_a_figures_label() -> None:
    found = {text: read_label(text) for text in FIGURES}
    read = {text: (x.printed, x.key, text[-len(FIGURES[text][2]) :]) if x else None for text, x in found.items()}
    assert read == FIGURES
    kinds = {x.kind for x in found.values() if x}
    assert kinds == {"figure"}


def test_what_only_looks_like_a_label() -> None:
    assert {text: read_label(text) for text in NOTHING} == dict.fromkeys(NOTHING)


def test_tables_are_no_figures_and_names_of_files_are_tags() -> None:
    table, file = read_label("Table 1. Cages"), read_label("Fig3.tif")
    assert table is not None and table.kind == "table" and label_key("Table 1") == ""
    assert file is not None and file.file_name and (file.printed, file.key) == ("Fig3", "3")


def test_running_text_and_labels_have_their_keys_in_common() -> None:
    assert mentioned("Figs. 1–3 and S2A; Supplementary Figure 4; S5 Fig; 图6") == {"1", "2", "3", "S2", "S4", "S5", "6"}
    assert parent_key(label_key("Figure 1A")) == "1"
    told = find_mentions(
        "See Fig. 1A. Then FigS1. At last Appendix Figure 1.", ["Figure 1A", "S1 Fig", "Appendix Figure 1"]
    )
    assert told == {
        "Figure 1A": ("See Fig. 1A.",),
        "S1 Fig": ("Then FigS1.",),
        "Appendix Figure 1": ("At last Appendix Figure 1.",),
    }
