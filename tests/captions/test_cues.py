"""Age, sex, case number, dates and days of illness, as captions print them."""

from covidct.captions.cues import moments, persons

PERSONS = [
    ("A 45-year-old man with fever for 6 days", [(45, "M", "")]),
    ("Fifty-nine-year-old woman", [(59, "F", "")]),
    ("Seventy two year old man", [(72, "M", "")]),
    ("CT of a 3-month-old boy", [(0.25, "M", "")]),
    ("A 6-day-old newborn girl", [(0.02, "F", "")]),
    ("Male, 1 year and 2 months", [(1.17, "M", "")]),
    ("Female, 46 years old", [(46, "F", "")]),
    ("Male patient, 60 years old, fever for 4 days", [(60, "M", "")]),
    ("age 45 years, male", [(45, "M", "")]),
    ("A woman aged 33", [(33, "F", "")]),
    ("a man in his 50s", [(50, "M", "")]),
    ("65 y/o male", [(65, "M", "")]),
    ("45F, day 3", [(45, "F", "")]),
    ("M/45", [(45, "M", "")]),
    ("Images from patient #7 (F, 61 y)", [(61, "F", "7")]),
    ("Typical CT (case 1). A 38 years old male with fever", [(38, "M", "1")]),
    ("A 54-year old male (patient6)", [(54, "M", "6")]),
    ("80-year-old patient; she was febrile", [(80, "F", "")]),
    ("A 58-year-old man whose wife had died", [(58, "M", "")]),
    ("a 34-year-old man and his 31-year-old wife", [(34, "M", ""), (31, "F", "")]),
    ("A 27-yr-old 36-week pregnant woman", [(27, "F", "")]),
    ("Two men. Patient 1 was 40 years old; patient 2 was 50 years old.", [(40, "M", "1"), (50, "M", "2")]),
    ("CT of patient 12 on 27 January 2020", [(None, "", "12")]),
    ("case 1, 27 January 2020", [(None, "", "1")]),
    ("Cases 2-4", [(None, "", "2"), (None, "", "3"), (None, "", "4")]),
    ("Patient A and patient B", [(None, "", "A"), (None, "", "B")]),
    ("Case II", [(None, "", "II")]),
    ("CT of pregnant women", [(None, "F", "")]),
    ("Mujer de 45 años con tos", [(45, "F", "")]),
    ("paciente masculino de 52 años", [(52, "M", "")]),
    ("homem de 38 anos", [(38, "M", "")]),
    ("une femme de 45 ans", [(45, "F", "")]),
    ("uomo di 70 anni", [(70, "M", "")]),
    ("男性,45岁,发热", [(45, "M", "")]),
    ("病例3", [(None, "", "3")]),
    ("37 patients (20 men, 17 women)", [(None, "M", ""), (None, "F", "")]),
    ("5-year survival of 20 patients", []),
    ("a 30-day follow-up with 512 slices", []),
    ("Hepatitis B patient a week later", []),
    ("Fever for 6 days, CT on day 8, slice 12 of 60", []),
    ("a 150-year-old hospital", []),
    ("61 y/o F with fever", [(61, "F", "")]),
    ("Case no. 7: a woman in her sixties", [(60, "F", "7")]),
    ("CT of a 9-month-old male infant", [(0.75, "M", "")]),
    (
        "Chest CT of a 45-year-old man (patient 3) and of his 43-year-old wife (patient 4)",
        [(45, "M", "3"), (43, "F", "4")],
    ),
    ("A 1.5-year-old girl", [(1.5, "F", "")]),
    ("42 YO M smoker", [(42, "M", "")]),
    ("Patient no 12, female, 35 yr.", [(35, "F", "12")]),
    ("Two patients with COVID-19 pneumonia", []),
    ("A 78-yo woman", [(78, "F", "")]),
    ("a sixty-two-year-old male", [(62, "M", "")]),
    ("CT of a septuagenarian", []),
    ("an 8-week-old baby boy", [(0.15, "M", "")]),
    ("28-year-old G2P1 woman at 32 weeks of gestation", [(28, "F", "")]),
    ("Images of a previously healthy male aged 19", [(19, "M", "")]),
    ("Newborn, 36 hours after birth", []),
    ("Case #5 (M, 66)", [(66, "M", "5")]),
    ("M, 55 years. Axial CT", [(55, "M", "")]),
    ("(55 years/F)", [(55, "F", "")]),
    ("a 33-year-old pregnant patient", [(33, "F", "")]),
    ("A female in her 30s", [(30, "F", "")]),
    ("Patients 2, 3 and 5", [(None, "", "2"), (None, "", "3"), (None, "", "5")]),
    ("CT in a 12 year-old boy on day 3 of fever lasting 10 days", [(12, "M", "")]),
    ("Fever for 12 days; treated for 5 years with methotrexate", []),
    ("A man in his late 40s", [(40, "M", "")]),
    ("An elderly woman with cough", [(None, "F", "")]),
    ("39-year-old physician", [(39, "", "")]),
    ("66-year-old patient. He had cough", [(66, "M", "")]),
    ("Patient 1 (66/M), Patient 2 (54/F)", [(66, "M", "1"), (54, "F", "2")]),
    ("Pt 4. Chest radiograph", [(None, "", "4")]),
    ("A 5-day-old male neonate born to a 30-year-old mother", [(0.01, "M", ""), (30, "F", "")]),
    ("37-year-old transgender woman", [(37, "F", "")]),
    ("the patient's 65-year-old father", [(65, "M", "")]),
    ("a man of 71 years", [(71, "M", "")]),
    ("age: 58; sex: female", [(58, "F", "")]),
    ("58 years old, sex: M", [(58, "M", "")]),
    ("Case report of a forty-year-old", [(40, "", "")]),
    ("A 62-year-old Caucasian male with a 40 pack-year history", [(62, "M", "")]),
    ("30-day mortality in 45 men and 32 women", [(None, "M", ""), (None, "F", "")]),
    ("70-year-old male; 2-year history of hypertension", [(70, "M", "")]),
    ("Girl, 14 months", [(1.17, "F", "")]),
    ("3-day follow-up CT of the second patient", []),
    ("CT of a male patient, age 47, on 12 February 2020", [(47, "M", "")]),
    ("Chest CT of the 52-y-old female", [(52, "F", "")]),
    ("Transverse scans of a 29 yr F", [(29, "F", "")]),
    ("Patient B: 77-year-old woman", [(77, "F", "B")]),
    ("Subject S03", []),
    ("Case 14 on day 7", [(None, "", "14")]),
    ("The 54-year-old index patient and her 57-year-old husband", [(54, "F", ""), (57, "M", "")]),
    ("Two men aged 35 and 60 years", [(35, "M", ""), (60, "M", "")]),
]


def test_persons() -> None:
    found = [(text, persons(text)) for text, _ in PERSONS]
    assert [(text, [(p.age, p.sex, p.case) for p in people]) for text, people in found] == PERSONS
    assert [text for text, people in found for p in people if not 0 <= p.span[0] < p.span[1] <= len(text)] == []


MOMENTS = [
    ("illness day 7", [("", 7, "onset")]),
    ("(day 4)", [("", 4, "")]),
    ("hospital day 4", [("", 4, "admission")]),
    ("8 days after symptom onset", [("", 8, "onset")]),
    ("two weeks after discharge", [("", 14, "discharge")]),
    ("1 day before the onset of symptoms", [("", -1, "onset")]),
    ("on the 32nd day after onset", [("", 32, "onset")]),
    ("3 days after admission", [("", 3, "admission")]),
    ("on Feb 13, 2020", [("2020-02-13", None, "")]),
    ("27 January 2020", [("2020-01-27", None, "")]),
    ("(Jan. 31)", [("--01-31", None, "")]),
    ("2020-02-05 and 2020/2/9", [("2020-02-05", None, ""), ("2020-02-09", None, "")]),
    ("2月5日", [("--02-05", None, "")]),
    ("fever for 3 days, slice 12", []),
    ("2020-13-45", []),
]


def test_moments() -> None:
    assert [(text, [(m.date, m.day, m.event) for m in moments(text)]) for text, _ in MOMENTS] == MOMENTS


def test_only_the_spans_that_are_asked_for() -> None:
    text = "(A) A 40-year-old man. (B) A 50-year-old woman."
    second = (text.index("(B)"), len(text))
    assert [(p.age, p.sex) for p in persons(text, [second])] == [(50, "F")]
