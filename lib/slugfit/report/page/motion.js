// The animation between two levels, unless the user prefers reduced motion.

const MOVE_MS = 190;
const stillness = matchMedia("(prefers-reduced-motion: reduce)");

function copyOf(canvas) {
    const copy = document.createElement("canvas");
    copy.width = canvas.width;
    copy.height = canvas.height;
    copy.getContext("2d").drawImage(canvas, 0, 0);
    return copy;
}

// From `old` to the content of `canvas`; `rectangle` is the inner one's place in the outer one.
// Returns a function that stops it.
function animate(map, canvas, { old, rectangle, inwards }) {
    if (stillness.matches) return () => {};
    const pen = canvas.getContext("2d");
    const fresh = copyOf(canvas);
    const [outer, inner] = inwards ? [old, fresh] : [fresh, old];
    const begin = performance.now();
    let next = 0;
    const frame = (time) => {
        const part = Math.max(0, (time - begin) / MOVE_MS);
        pen.setTransform(1, 0, 0, 1, 0, 0);
        pen.clearRect(0, 0, canvas.width, canvas.height);
        if (part >= 1) {
            pen.drawImage(fresh, 0, 0);
            map.classList.remove("moving");
            return;
        }
        const eased = 1 - (1 - part) ** 3;
        blend(pen, outer, inner, rectangle, inwards ? eased : 1 - eased);
        next = requestAnimationFrame(frame);
    };
    map.classList.add("moving");
    next = requestAnimationFrame(frame);
    return () => {
        cancelAnimationFrame(next);
        map.classList.remove("moving");
    };
}

// At `share` 0, the outer picture alone; at 1, the inner one fills it.
function blend(pen, outer, inner, rectangle, share) {
    const { width, height } = outer;
    const ratio = devicePixelRatio || 1;
    const [x, y] = [rectangle.x * ratio, rectangle.y * ratio];
    const [w, h] = [rectangle.w * ratio, rectangle.h * ratio];
    const [left, top] = [x * (1 - share), y * (1 - share)];
    const [wide, high] = [w + (width - w) * share, h + (height - h) * share];
    const [across, down] = [wide / w, high / h];
    pen.drawImage(outer, left - x * across, top - y * down, width * across, height * down);
    pen.globalAlpha = share;
    pen.drawImage(inner, left, top, wide, high);
    pen.globalAlpha = 1;
}
