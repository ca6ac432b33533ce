"""A folder of plain images of two colors, with classes in folders and a test split."""

from lnlbench_image_folder import Settings, load
from PIL import Image


def write(file, color, size=(40, 30)):
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, color).save(file)
    return file


def red_and_blue(folder):
    """Two classes of plain images, some in a folder below, and a test split."""
    for number in range(4):
        write(folder / "train" / "red" / f"{number}.png", (200 + number, 0, 0))
        write(folder / "train" / "blue" / "deep" / f"{number}.jpg", (0, 0, 200 + number), (33, 64))
    write(folder / "test" / "red" / "a.png", (250, 0, 0))
    write(folder / "test" / "blue" / "b.png", (0, 0, 250))
    return folder


def dataset(root, **settings):
    return load(Settings(root=root, **settings))
