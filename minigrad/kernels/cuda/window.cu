// Sliding windows on a GPU: columns, pooling, and convolution of each channel by itself.
//
// Written in CUDA C without a header of CUDA's, so that a C++ compiler can build it too (tests/stand_in/raw.py).
// Three names are defined before this text, by minigrad/kernels/cuda/launch.py:
//   real   what the arrays hold: float or double
//   choice what says which place of a window holds its maximum: an integer
//   place  an integer in which every address fits: int, or long long for large arrays
//
// Every thread computes numbers of its own, and adds what flows into one in a fixed order (that of the NumPy code):
// no two threads write the same number, so the results are the same bits each time.

struct Axis {
    place length, size, stride, before, dilation, out;
};

// Signals and images have axes of length 1 in front.  `before` may be negative, where only later windows are meant.
struct Window {
    Axis depth, height, width;
};

#define FOR_EACH(item, count)                                                       \
    for (place item = (place)blockIdx.x * (place)blockDim.x + (place)threadIdx.x;  \
         item < (count); item += (place)gridDim.x * (place)blockDim.x)

static __device__ place pixels_of(const Window& w) {
    return w.depth.length * w.height.length * w.width.length;
}

static __device__ place positions_of(const Window& w) {
    return w.depth.out * w.height.out * w.width.out;
}

// Where a window begins, as pixels; before the first one in the padding.
struct Start {
    place z, y, x;

    __device__ Start(const Window& w, place position) {
        const place row = position / w.width.out, slice = row / w.height.out;
        z = slice * w.depth.stride - w.depth.before;
        y = (row - slice * w.height.out) * w.height.stride - w.height.before;
        x = (position - row * w.width.out) * w.width.stride - w.width.before;
    }
};

// A pixel, counted from where the padding begins.
struct Pixel {
    place z, y, x;

    __device__ Pixel(const Window& w, place number) {
        const place row = number / w.width.length, slice = row / w.height.length;
        z = slice + w.depth.before;
        y = row - slice * w.height.length + w.height.before;
        x = number - row * w.width.length + w.width.before;
    }
};

static __device__ bool inside(const Axis& axis, place at) {
    return 0 <= at && at < axis.length;
}

// The last window that begins at or before a pixel.  From there backwards the pixel stands at later and later places
// of the windows, until it is past their end.
static __device__ place last_window(const Axis& axis, place pixel) {
    const place window = pixel / axis.stride;
    return window < axis.out ? window : axis.out - 1;
}

static __device__ bool reaches(const Axis& axis, place pixel, place window) {
    return window >= 0 && pixel - window * axis.stride <= (axis.size - 1) * axis.dilation;
}

// At which place of a window a pixel stands; below 0 where it lies in a gap, or before the first window.
static __device__ place tap_of(const Axis& axis, place pixel, place window) {
    const place steps = pixel - window * axis.stride;
    if (axis.dilation == 1) return steps;
    return steps % axis.dilation ? -1 : steps / axis.dilation;
}

// All windows that cover a pixel, with the place in the window (`tap`) ascending: a body follows, with `position`, `tap`.
#define FOR_EACH_COVER(w, pixel)                                                                              \
    for (place k = last_window((w).depth, (pixel).z); reaches((w).depth, (pixel).z, k); k--)                   \
        for (place i = last_window((w).height, (pixel).y); reaches((w).height, (pixel).y, i); i--)             \
            for (place j = last_window((w).width, (pixel).x); reaches((w).width, (pixel).x, j); j--)

static __device__ place cover_tap(const Window& w, const Pixel& pixel, place k, place i, place j) {
    const place a = tap_of(w.depth, pixel.z, k), b = tap_of(w.height, pixel.y, i), c = tap_of(w.width, pixel.x, j);
    return a < 0 || b < 0 || c < 0 ? -1 : (a * w.height.size + b) * w.width.size + c;
}

static __device__ place position_of(const Window& w, place k, place i, place j) {
    return (k * w.height.out + i) * w.width.out + j;
}

// All places of a window: a body follows, with pixels z, y, x.
#define FOR_EACH_TAP(w, start)                                                                                 \
    for (place a = 0, z = (start).z; a < (w).depth.size; a++, z += (w).depth.dilation)                          \
        for (place b = 0, y = (start).y; b < (w).height.size; b++, y += (w).height.dilation)                    \
            for (place c = 0, x = (start).x; c < (w).width.size; c++, x += (w).width.dilation)

static __device__ bool inside(const Window& w, place z, place y, place x) {
    return inside(w.depth, z) && inside(w.height, y) && inside(w.width, x);
}

static __device__ place pixel_number(const Window& w, place z, place y, place x) {
    return (z * w.height.length + y) * w.width.length + x;
}

// columns[n, channel, tap, position] = image[n, channel, position stride + tap dilation - before], 0 in the padding.
// Three strides say where columns stand; positions lie side by side.  A thread has one window of one channel: what
// neighbours read and write at the same time lies side by side too.
extern "C" __global__ void unfold(const real* images, real* columns, Window w, place n, place channels,
                                  place of_image, place of_channel, place of_tap) {
    const place pixels = pixels_of(w), positions = positions_of(w);
    FOR_EACH(item, n * channels * positions) {
        const place plane = item / positions, position = item - plane * positions;
        const place number = plane / channels, channel = plane - number * channels;
        const real* image = images + plane * pixels;
        real* column = columns + number * of_image + channel * of_channel + position;
        const Start start(w, position);
        FOR_EACH_TAP(w, start) {
            *column = inside(w, z, y, x) ? image[pixel_number(w, z, y, x)] : (real)0;
            column += of_tap;
        }
    }
}

// image[n, channel, pixel] = the sum of columns[n, channel, tap, position] over all windows that cover the pixel.
// With of_tap = 0 every place of a window has the same number: the transpose of sum_pool.  `more` adds to what is there.
extern "C" __global__ void fold(const real* columns, real* images, Window w, place n, place channels,
                                place of_image, place of_channel, place of_tap, place more) {
    const place pixels = pixels_of(w);
    FOR_EACH(item, n * channels * pixels) {
        const place plane = item / pixels, number = plane / channels, channel = plane - number * channels;
        const real* column = columns + number * of_image + channel * of_channel;
        const Pixel pixel(w, item - plane * pixels);
        real sum = more ? images[item] : (real)0;
        FOR_EACH_COVER(w, pixel) {
            const place tap = cover_tap(w, pixel, k, i, j);
            if (tap >= 0) sum += column[tap * of_tap + position_of(w, k, i, j)];
        }
        images[item] = sum;
    }
}

// out[plane, position] = the sum of a window.
extern "C" __global__ void sum_pool(const real* images, real* out, Window w, place planes) {
    const place pixels = pixels_of(w), positions = positions_of(w);
    FOR_EACH(item, planes * positions) {
        const place plane = item / positions;
        const real* image = images + plane * pixels;
        const Start start(w, item - plane * positions);
        real sum = 0;
        FOR_EACH_TAP(w, start) {
            if (inside(w, z, y, x)) sum += image[pixel_number(w, z, y, x)];
        }
        out[item] = sum;
    }
}

// The first place of a window that is not before or behind the pixels of an axis; 0 where there is none.
static __device__ place first_tap(const Axis& axis, place at) {
    for (place tap = 0; tap < axis.size; tap++)
        if (inside(axis, at + tap * axis.dilation)) return tap;
    return 0;
}

static __device__ place first_tap(const Window& w, const Start& start) {
    const place slice = first_tap(w.depth, start.z), row = slice * w.height.size + first_tap(w.height, start.y);
    return row * w.width.size + first_tap(w.width, start.x);
}

// out[plane, position] = the maximum of a window, best = at which place of the window it stands: the first of several,
// the last NaN.  A window that lies in the padding has the maximum `lowest`, at a place that is read and written nowhere.
extern "C" __global__ void max_pool(const real* images, real* out, choice* best, Window w, place planes, real lowest) {
    const place pixels = pixels_of(w), positions = positions_of(w);
    FOR_EACH(item, planes * positions) {
        const place plane = item / positions;
        const real* image = images + plane * pixels;
        const Start start(w, item - plane * positions);
        real largest = lowest;
        place tap = 0, found = -1;
        FOR_EACH_TAP(w, start) {
            if (inside(w, z, y, x)) {
                const real value = image[pixel_number(w, z, y, x)];
                if (found < 0 || value > largest || value != value) found = tap;
                if (value > largest || value != value) largest = value;
            }
            tap++;
        }
        out[item] = largest;
        best[item] = (choice)(found < 0 ? first_tap(w, start) : found);
    }
}

// image[plane, pixel] = the sum of g[plane, position] over the windows that cover the pixel and have their maximum there.
extern "C" __global__ void pool_scatter(const real* g, const choice* best, real* images, Window w, place planes) {
    const place pixels = pixels_of(w), positions = positions_of(w);
    FOR_EACH(item, planes * pixels) {
        const place plane = item / pixels;
        const real* from = g + plane * positions;
        const choice* places = best + plane * positions;
        const Pixel pixel(w, item - plane * pixels);
        real sum = 0;
        FOR_EACH_COVER(w, pixel) {
            const place tap = cover_tap(w, pixel, k, i, j), position = position_of(w, k, i, j);
            if (tap >= 0 && (long long)places[position] == (long long)tap) sum += from[position];
        }
        images[item] = sum;
    }
}

// out[plane, position] = image[plane, pixel] at place `best` of the window; 0 in the padding, and for no place of the window.
extern "C" __global__ void pool_gather(const real* images, const choice* best, real* out, Window w, place planes) {
    const place pixels = pixels_of(w), positions = positions_of(w);
    const place taps = w.depth.size * w.height.size * w.width.size;
    FOR_EACH(item, planes * positions) {
        const place plane = item / positions;
        const real* image = images + plane * pixels;
        const Start start(w, item - plane * positions);
        const long long chosen = (long long)best[item];
        real value = 0;
        if (0 <= chosen && chosen < (long long)taps) {
            const place tap = (place)chosen, row = tap / w.width.size, slice = row / w.height.size;
            const place z = start.z + slice * w.depth.dilation;
            const place y = start.y + (row - slice * w.height.size) * w.height.dilation;
            const place x = start.x + (tap - row * w.width.size) * w.width.dilation;
            if (inside(w, z, y, x)) value += image[pixel_number(w, z, y, x)];
        }
        out[item] = value;
    }
}

// out[n, output, position] = bias + the sum of weights[output, tap] image[n, channel, pixel] over a window; zeros in the padding
// count, since infinity times 0 is NaN.  Each channel has `outputs / channels` outputs of its own.
extern "C" __global__ void depthwise(const real* images, const real* weights, const real* bias, real* out, Window w,
                                     place n, place channels, place outputs, place biased) {
    const place pixels = pixels_of(w), positions = positions_of(w), each = outputs / channels;
    const place taps = w.depth.size * w.height.size * w.width.size;
    FOR_EACH(item, n * outputs * positions) {
        const place plane = item / positions, number = plane / outputs, output = plane - number * outputs;
        const real* image = images + (number * channels + output / each) * pixels;
        const real* weight = weights + output * taps;
        const Start start(w, item - plane * positions);
        real sum = 0;
        FOR_EACH_TAP(w, start) {
            sum += *weight++ * (inside(w, z, y, x) ? image[pixel_number(w, z, y, x)] : (real)0);
        }
        out[item] = biased ? sum + bias[output] : sum;
    }
}

// image[n, channel, pixel] = the sum of weights[output, tap] g[n, output, position] over the windows that cover the pixel.
extern "C" __global__ void depthwise_input(const real* g, const real* weights, real* images, Window w,
                                           place n, place channels, place outputs) {
    const place pixels = pixels_of(w), positions = positions_of(w), each = outputs / channels;
    const place taps = w.depth.size * w.height.size * w.width.size;
    FOR_EACH(item, n * channels * pixels) {
        const place plane = item / pixels, number = plane / channels, first = (plane - number * channels) * each;
        const real* from = g + (number * outputs + first) * positions;
        const real* weight = weights + first * taps;
        const Pixel pixel(w, item - plane * pixels);
        real sum = 0;
        FOR_EACH_COVER(w, pixel) {
            const place tap = cover_tap(w, pixel, k, i, j), position = position_of(w, k, i, j);
            if (tap >= 0) {
                real column = 0;
                for (place o = 0; o < each; o++) column += weight[o * taps + tap] * from[o * positions + position];
                sum += column;
            }
        }
        images[item] = sum;
    }
}
