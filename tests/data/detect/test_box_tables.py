"""Tables of boxes as TensorFlow, RetinaNet, Roboflow, Kaggle and Open Images have them."""

import pytest
from user_folders import image, images, read, write

from motet.data.detect import detect, inspect_folder
from motet.scaffold.plan_tasks import plan_tasks


def pictures(root, *places):
    for shade, place in enumerate(places):
        image(root / place, shade=20 * shade)


TABLES = [
    ("filename,width,height,class,xmin,ymin,xmax,ymax\na.jpg,12,10,cat,1,2,9,8\nb.jpg,12,10,cat,0,0,3,3\n", "cat"),
    ("image,label,x_min,y_min,x_max,y_max\na.jpg,cat,1,2,9,8\n", "cat"),
    ("img_path,x1,y1,x2,y2,class_name,class_id\na.jpg,1,2,9,8,cat,0\n", "cat"),
    ("a.jpg,1,2,9,8,cat\nb.jpg,,,,,\n", "cat"),
    ("image_id,x,y,w,h\na,1,2,8,6\n", "object"),
    ("patientId,x,y,width,height,Target\na,1.0,2.0,8.0,6.0,1\nb,,,,,0\n", "object"),
    ('image_id,width,height,bbox,source\na,12,10,"[1.0, 2.0, 8.0, 6.0]",x\n', "object"),
    ('image,bbox_xyxy,category\na.jpg,"[1, 2, 9, 8]",cat\n', "cat"),
    ("image,x_center,y_center,width,height,category\na.jpg,5,5,8,6,cat\n", "cat"),
    ("Image ID,Left,Top,Width,Height,Class\na,1,2,8,6,cat\n", "cat"),
]


@pytest.mark.parametrize(("content", "name"), TABLES)
def test_tables_of_boxes_by_their_columns(tmp_path, content, name):
    pictures(tmp_path, "images/a.jpg", "images/b.jpg")
    write(tmp_path / "boxes.csv", content)
    (found,) = detect(tmp_path)
    assert (found.reader, found.kind, found.problems) == ("BoxTable", "detection", ())
    reader = read(found)
    boxes = reader[0].labels["boxes"]
    assert (boxes.boxes_xyxy.tolist(), [reader.names[label] for label in boxes.labels]) == ([[1, 2, 9, 8]], [name])


def test_four_numbers_in_a_cell_are_what_fits_into_the_images(tmp_path):
    pictures(tmp_path, "a.jpg")
    write(tmp_path / "boxes.csv", 'image,bbox,label\na.jpg,"[5, 5, 11, 9]",cat\n')
    (found,) = detect(tmp_path)
    assert read(found)[0].labels["boxes"].boxes_xyxy.tolist() == [[5, 5, 11, 9]]
    write(tmp_path / "boxes.csv", 'image,bbox,label\na.jpg,"[5, 5, 6, 4]",cat\n')
    (found,) = detect(tmp_path)
    assert read(found)[0].labels["boxes"].boxes_xyxy.tolist() == [[5, 5, 11, 9]]


def test_open_images(tmp_path):
    pictures(tmp_path, "train/0a.jpg", "validation/0b.jpg")
    head = "ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,IsOccluded,IsTruncated,IsGroupOf"
    write(tmp_path / "train-annotations-bbox.csv", f"{head}\n0a,xclick,/m/1,1,0.25,0.5,0.1,0.9,0,0,0\n")
    write(tmp_path / "validation-annotations-bbox.csv", f"{head}\n0b,xclick,/m/2,1,0.25,0.5,0.1,0.9,0,0,1\n")
    write(tmp_path / "class-descriptions-boxable.csv", "/m/1,Cat\n/m/2,Dog\n")
    train, val = detect(tmp_path)
    assert (train.evidence.partition(" (")[0], train.split, val.split) == ("boxes of Open Images", "train", "val")
    assert read(train).names == read(val).names == ("Cat", "Dog")
    assert read(train)[0].labels["boxes"].boxes_xyxy.tolist() == [[3, 1, 6, 9]]
    assert read(val)[0].labels["boxes"].crowd.tolist() == [True]


def test_splits_in_folders_have_their_own_images_and_all_classes(tmp_path):
    for shade, (split, name) in enumerate((("train", "cat"), ("valid", "dog"), ("test", "cat"))):
        image(tmp_path / split / "a.jpg", shade=80 * shade)
        table = f"filename,width,height,class,xmin,ymin,xmax,ymax\na.jpg,12,10,{name},1,2,9,8\n"
        write(tmp_path / split / "_annotations.csv", table)
    found = detect(tmp_path)
    assert sorted((one.split, one.arguments["images"].name) for one in found) == [
        ("test", "test"), ("train", "train"), ("val", "valid"),
    ]  # fmt: skip
    assert {read(one).names for one in found} == {("cat", "dog")}
    assert len({read(one).keys(0) for one in found}) == 3


def test_a_column_of_splits(tmp_path):
    pictures(tmp_path, "a.jpg", "b.jpg")
    rows = "a.jpg,cat,1,2,9,8,train\nb.jpg,dog,1,2,9,8,test\n"
    write(tmp_path / "boxes.csv", f"filename,class,xmin,ymin,xmax,ymax,split\n{rows}")
    found = detect(tmp_path)
    assert [(one.split, one.rows, read(one).names) for one in found] == [
        ("test", 1, ("cat", "dog")), ("train", 1, ("cat", "dog")),
    ]  # fmt: skip


def test_missing_images_and_boxes_outside_are_problems(tmp_path):
    pictures(tmp_path, "here/a.jpg")
    write(tmp_path / "missing.csv", "filename,class,xmin,ymin,xmax,ymax\nz.jpg,cat,1,2,9,8\n")
    write(tmp_path / "outside.csv", "filename,class,xmin,ymin,xmax,ymax\na.jpg,cat,1,2,900,8\n")
    problems = {one.arguments["path"].name: one.problems[0] for one in detect(tmp_path)}
    assert "got no folder with the image z.jpg" in problems["missing.csv"]
    assert "outside.csv, row 0" in problems["outside.csv"]


@pytest.mark.parametrize(
    "content",
    [
        "image,label\na.jpg,cat\n",
        "image,x,y,label\na.jpg,1,2,cat\n",
        "image,x,y,w,h,label\na.jpg,one,two,three,four,cat\n",
        'image,caption,bbox\na.jpg,A cat.,"[1, 2, 3, 4]"\n',
    ],
)
def test_other_tables_are_left_to_others(tmp_path, content):
    images(tmp_path, "a.jpg")
    write(tmp_path / "t.csv", content)
    assert [one.reader for one in detect(tmp_path)] in (["Table"], [])


def test_the_tables_of_open_images_are_one_data_set_whatever_version_they_name(tmp_path):
    pictures(tmp_path, "train/0a.jpg", "validation/0b.jpg")
    head = "ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,IsOccluded,IsTruncated,IsGroupOf"
    write(tmp_path / "oidv6-train-annotations-bbox.csv", f"{head}\n0a,xclick,/m/1,1,0.25,0.5,0.1,0.9,0,0,0\n")
    write(tmp_path / "validation-annotations-bbox.csv", f"{head}\n0b,xclick,/m/2,1,0.25,0.5,0.1,0.9,0,0,1\n")
    write(tmp_path / "oidv7-class-descriptions-boxable.csv", "LabelName,DisplayName\n/m/1,Cat\n/m/2,Dog\n")
    write(tmp_path / "train-images-with-rotation.csv", "ImageID,Subset,OriginalURL\n0a,train,https://x.org/1.jpg\n")
    contents = inspect_folder(tmp_path)
    assert [(one.split, read(one).names) for one in contents.datasets] == [
        ("train", ("Cat", "Dog")), ("val", ("Cat", "Dog")),
    ]  # fmt: skip
    assert contents.near_misses == ()
    (task,) = plan_tasks(contents.datasets)
    assert [one.split for one in task.parts] == ["train", "val"]
