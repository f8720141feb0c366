"""Images, with OpenCV and scikit-image."""

import tempfile
from pathlib import Path

import cv2
import numpy as np
from checks import run, serve
from skimage import (
    color,
    exposure,
    feature,
    filters,
    graph,
    io,
    measure,
    morphology,
    restoration,
    segmentation,
    transform,
)

IMAGE = np.zeros((64, 64, 3), np.uint8)
IMAGE[16:48, 16:48] = (200, 100, 50)
GREY = color.rgb2gray(IMAGE)


def edges():
    grey = cv2.cvtColor(IMAGE, cv2.COLOR_BGR2GRAY)
    contours, _ = cv2.findContours(cv2.Canny(grey, 50, 150), cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
    assert contours
    return len(contours)


def encode():
    for kind in (".png", ".jpg", ".webp", ".tiff"):
        _, content = cv2.imencode(kind, IMAGE)
        assert cv2.imdecode(content, cv2.IMREAD_COLOR).shape == IMAGE.shape


def draw():
    image = IMAGE.copy()
    cv2.putText(image, "text", (5, 60), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (255, 255, 255))
    small = cv2.GaussianBlur(cv2.resize(image, (32, 32)), (3, 3), 0)
    turned = cv2.warpAffine(small, cv2.getRotationMatrix2D((16, 16), 30, 1), (32, 32))
    assert turned.any()


def find_features():
    noise = np.random.default_rng(3).integers(0, 255, (128, 128), np.uint8)
    points, descriptors = cv2.ORB_create().detectAndCompute(noise, None)
    assert len(cv2.BFMatcher(cv2.NORM_HAMMING).match(descriptors, descriptors)) == len(points) > 0
    flow = cv2.calcOpticalFlowFarneback(noise, np.roll(noise, 2), None, 0.5, 2, 9, 2, 5, 1.1, 0)
    assert flow.any()


def film():
    with tempfile.TemporaryDirectory() as directory:
        path = str(Path(directory, "film.avi"))
        writer = cv2.VideoWriter(path, cv2.VideoWriter_fourcc(*"MJPG"), 10, (64, 64))
        for _ in range(3):
            writer.write(IMAGE)
        writer.release()
        assert cv2.VideoCapture(path).read()[0]


def filter_all_kinds():
    for result in (
        filters.sobel(GREY),
        filters.gaussian(GREY, 1),
        exposure.equalize_hist(GREY),
        restoration.denoise_tv_chambolle(GREY),
        transform.rotate(GREY, 30),
        morphology.dilation(GREY, morphology.disk(2)),
        feature.canny(GREY),
        feature.hog(GREY),
    ):
        assert np.isfinite(result).all()


def segment():
    labels = segmentation.slic(IMAGE, n_segments=5)
    assert labels.max() >= 1
    assert measure.regionprops(measure.label(filters.threshold_otsu(GREY) < GREY))[0].area == 1024
    assert graph.rag_mean_color(IMAGE, labels).number_of_nodes()


def read_and_write():
    with tempfile.TemporaryDirectory() as directory:
        for name in ("image.png", "image.tif"):
            path = Path(directory, name)
            io.imsave(path, IMAGE, check_contrast=False)
            assert (io.imread(path) == IMAGE).all()


CHECKS = (edges, encode, draw, find_features, film, filter_all_kinds, segment, read_and_write)
app = serve(CHECKS)

if __name__ == "__main__":
    run(CHECKS)
