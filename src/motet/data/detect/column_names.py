"""Column names by what they hold, in the languages in which people keep their tables."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import TypeAlias

Names: TypeAlias = tuple[str, ...]

IMAGES: Names = (
    "image", "image_path", "image_file", "image_name", "img", "img_path", "img_name", "images", "file_name", "filename",
    "filepath", "file_path", "file", "path", "picture", "photo", "filenames", "image_id", "img_id", "imageid",
    "id_code",
    "dateiname", "datei", "bild", "bilddatei", "bildname", "bildpfad", "foto", "pfad",  # German
    "fichier", "nom_fichier", "nom_du_fichier", "chemin", "image_fichier",  # French
    "archivo", "nombre_archivo", "fichero", "imagen", "ruta",  # Spanish
    "arquivo", "nome_arquivo", "imagem", "caminho", "ficheiro",  # Portuguese
    "immagine", "nome_file", "percorso", "bestand", "bestandsnaam", "afbeelding", "plik", "nazwa_pliku", "obraz",
    "файл", "имя_файла", "изображение", "картинка", "фото", "путь", "文件名", "图片", "图像", "文件", "图片名", "圖片",
    "画像", "ファイル名", "ファイル", "이미지", "파일명", "파일",
)  # fmt: skip
QUESTIONS: Names = (
    "question", "questions", "query", "q", "prompt", "frage", "pregunta", "pergunta", "domanda", "vraag", "pytanie",
    "вопрос", "问题", "質問", "질문",
)  # fmt: skip
ANSWERS: Names = (
    "answer", "answers", "a", "response", "multiple_choice_answer", "antwort", "reponse", "respuesta", "resposta",
    "risposta", "antwoord", "odpowiedz", "ответ", "答案", "回答", "答え", "답변",
)  # fmt: skip
TEXTS: Names = (
    "transcription", "transcript", "ocr", "ocr_text", "ground_truth", "gt", "words", "word", "plate", "plate_number",
    "license_plate", "serial", "serial_number", "kennzeichen", "seriennummer", "transkription", "abschrift", "plaque",
    "matricula", "placa", "targa", "kenteken",
)  # fmt: skip
CAPTIONS: Names = (
    "caption", "captions", "description", "sentence", "sentences", "comment", "beschriftung", "bildunterschrift",
    "beschreibung", "bildbeschreibung", "legende", "descripcion", "leyenda", "descricao", "legenda", "descrizione",
    "didascalia", "beschrijving", "bijschrift", "opis", "podpis", "описание", "подпись", "描述", "说明", "標題", "标题",
    "キャプション", "説明", "설명", "캡션",
)  # fmt: skip
CLASSES: Names = (
    "class", "category", "cls", "species", "breed", "class_name", "label_name", "classname", "klasse", "kategorie",
    "rasse", "art", "classe", "categorie", "espece", "clase", "categoria", "especie", "raza", "raca", "klasa",
    "kategoria", "класс", "категория", "порода", "类别", "类", "分类", "種類", "クラス", "カテゴリ", "클래스", "분류",
)  # fmt: skip
UNDECIDED: Names = (
    "text", "txt", "title", "raw", "label", "labels", "target", "name", "tag", "value", "titel", "name_der_klasse",
    "bezeichnung", "etikett", "etiquette", "etiqueta", "etichetta", "titre", "titulo", "titolo", "texte", "texto",
    "testo", "nom", "nombre", "nome", "naam", "метка", "текст", "название", "标签", "文本", "名称",
    "ラベル", "テキスト",
    "라벨", "레이블", "텍스트",
)  # fmt: skip
"""Names under which people keep classes, captions and texts to read alike: the cells decide."""
SPLITS: Names = ("split", "part", "partition", "set", "subset", "teil", "fold_name", "usage", "aufteilung")
OTHERS = frozenset(
    {
        "id", "ids", "idx", "index", "uid", "uuid", "guid", "key", "row", "row_id", "rowid", "sample_id", "question_id",
        "caption_id", "comment_number", "sentids", "imgid", "url", "link", "source", "license", "author", "date",
        "time",
        "timestamp", "created_at", "hash", "md5", "sha1", "sha256", "width", "height", "size", "nr", "no", "num",
        "nummer",
        "annotator", "user", "user_id", "email", "format", "ext", "extension", "mime_type", "",
    }
)  # fmt: skip
"""Names of columns about a row: ids, origin, size. They are never captions, classes or texts."""
_ENDS = ("_id", "_url", "_date", "_at", "_time", "_path", "_hash")
_SPACES = re.compile(r"[\s\-/]+")


def plain_name(column: str) -> str:
    """Returns a column's name in small letters without accents, with underscores; of "json.answer" the last part.

    Examples:
        >>> plain_name("json.File Name"), plain_name("Légende")
        ('file_name', 'legende')
    """
    letters = unicodedata.normalize("NFKD", column.rpartition(".")[2].strip().casefold())
    return _SPACES.sub("_", "".join(one for one in letters if not unicodedata.combining(one)))


def column_named(columns: Sequence[str], names: Names) -> str:
    """Returns the column with the first of these names that any column has; "" where none has one."""
    by_name = {plain_name(column): column for column in reversed(columns)}
    return next((by_name[plain] for name in names if (plain := plain_name(name)) in by_name), "")


def is_about_the_row(column: str) -> bool:
    """Returns True for a column of ids, origins or sizes."""
    name = plain_name(column)
    return name in OTHERS or name.endswith(_ENDS) or name.startswith(("unnamed", "date_"))
