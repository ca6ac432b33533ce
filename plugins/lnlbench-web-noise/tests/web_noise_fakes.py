"""Small data sets in the published layouts: few images, with the authors' folders and lists."""

from pathlib import Path

from PIL import Image


def image(file: Path, shade: int, size: tuple[int, int] = (12, 10)) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (shade % 256, 40, 200)).save(file)


def lines(file: Path, rows) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(f"{row}\n" for row in rows), encoding="utf-8")


def animal10n(root: Path, train: int = 20, test: int = 10) -> dict[str, int]:
    for split, count in (("training", train), ("testing", test)):
        for number in range(count):
            image(root / split / f"{number % 10}_{number:05}.jpg", 20 * (number % 10))
    return {"training": train, "testing": test}


def clothing1m(
    root: Path, train: int = 28, lists: str = "", images: str = "images"
) -> dict[str, int]:
    noisy = [f"images/{n % 10}/0{n % 7}/{n},{n}1.jpg" for n in range(train)]
    clean = [f"images/{n % 10}/1{n % 7}/c{n}.jpg" for n in range(14)]
    for number, key in enumerate([*noisy, *clean]):
        image(root / images / key.removeprefix("images/"), 9 * number)
    at = root / lists
    lines(at / "noisy_train_key_list.txt", noisy)
    lines(at / "clean_train_key_list.txt", clean[:2])
    lines(at / "clean_val_key_list.txt", clean[2:4])
    lines(at / "clean_test_key_list.txt", clean[4:])
    lines(
        at / "noisy_label_kv.txt", [f"{key} {n % 14}" for n, key in enumerate([*noisy, *clean[:4]])]
    )
    lines(at / "clean_label_kv.txt", [f"{key} {n % 14}" for n, key in enumerate(clean)])
    lines(at / "category_names_eng.txt", [f"Garment {n}" for n in range(14)])
    return {
        "noisy_train_key_list.txt": train,
        "clean_train_key_list.txt": 2,
        "clean_val_key_list.txt": 2,
        "clean_test_key_list.txt": 10,
    }


def webvision(root: Path, classes: int = 3, prefix: str = "google/") -> dict[str, int]:
    train = [(f"q000{n % 4 + 1}/{n}.jpg", n % (classes + 2)) for n in range(15)]
    test = [(f"val{n:06}.jpg", n % (classes + 2)) for n in range(10)]
    for number, (file, _) in enumerate(train):
        image(root / "google" / file, 10 * number)
    for number, (file, _) in enumerate(test):
        image(root / "val_images_256" / file, 20 * number)
    lines(root / "info" / "train_filelist_google.txt", [f"{prefix}{f} {n}" for f, n in train])
    lines(root / "info" / "val_filelist.txt", [f"{f} {n}" for f, n in test])
    lines(root / "info" / "synsets.txt", [f"n0144{n:04} animal {n}, other" for n in range(60)])
    return {"training": 3 * classes, "validation": 2 * classes}


def controlled(root: Path, list_name: str = "red_noise_nl_0.2", web: int = 20) -> dict[str, int]:
    base = root / "mini-imagenet"
    names = [f"n015328{n:02}{n:08}.jpg" if n >= web else f"{n:016x}.jpg" for n in range(100)]
    for number, name in enumerate(names):
        image(base / "all_images" / name, number)
    lines(base / "split" / list_name, [f"{name} {n}" for n, name in enumerate(names)])
    held = [f"ILSVRC2012_val_{n:08}.jpg" for n in range(10)]
    for number, name in enumerate(held):
        image(base / "validation" / str(number) / name, 25 * number)
    lines(base / "split" / "clean_validation", [f"{name} {n}" for n, name in enumerate(held)])
    return {list_name: 100, "clean_validation": 10}


def food101n(root: Path, beside: str = "food-101") -> dict[str, int]:
    release, food101 = root / "Food-101N_release", root / beside
    names = [f"dish_{n:03}" for n in range(101)]
    keys = [f"{name}/{n:032x}.jpg" for n, name in enumerate(names)]
    for number, key in enumerate(keys):
        image(release / "images" / key, number)
    lines(release / "meta" / "classes.txt", ["class_name", *reversed(names)])
    lines(release / "meta" / "imagelist.tsv", ["class_name/key", *keys])
    heading = "class_name/key\tverification_label"
    rows = [f"{key}\t{int(n % 4 != 0)}" for n, key in enumerate(keys[:8])]
    lines(release / "meta" / "verified_train.tsv", [heading, *rows[:6]])
    lines(release / "meta" / "verified_val.tsv", [heading, *rows[6:]])
    tested = [f"{names[n]}/{1000 + n}" for n in range(5)]
    for number, key in enumerate(tested):
        image(food101 / "images" / f"{key}.jpg", 30 * number)
    lines(food101 / "meta" / "test.txt", tested)
    return {
        "imagelist.tsv": 101,
        "verified_train.tsv": 6,
        "verified_val.tsv": 2,
        "test.txt of Food-101": 5,
    }
