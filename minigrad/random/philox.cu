// Random numbers: NumPy's Philox, and what is made of its words.  minigrad/random/philox.py says how it is used.
//
// One name is defined before this text, by minigrad/kernels/cuda/launch.py: `real`, float or double, what the numbers are.
// A C++ compiler can build it too.

typedef unsigned long long u64;

__device__ inline u64 high_product(u64 a, u64 b) {
#ifdef __CUDA_ARCH__
    return __umul64hi(a, b);
#else
    return (u64)(((unsigned __int128)a * b) >> 64);
#endif
}

// The four words that NumPy's Philox draws when its counter comes to (block, 0, 0, stream).
__device__ inline void philox(u64 block, u64 stream, u64 k0, u64 k1, u64 *w) {
    w[0] = block;
    w[1] = w[2] = 0;
    w[3] = stream;
    for (int round = 0; round < 10; round++) {
        u64 h0 = high_product(0xD2E7470EE14C6C93ull, w[0]), l0 = 0xD2E7470EE14C6C93ull * w[0];
        u64 h1 = high_product(0xCA5A826395121157ull, w[2]), l1 = 0xCA5A826395121157ull * w[2];
        w[0] = h1 ^ w[1] ^ k0;
        w[1] = l1;
        w[2] = h0 ^ w[3] ^ k1;
        w[3] = l0;
        k0 += 0x9E3779B97F4A7C15ull;
        k1 += 0xBB67AE8584CAA73Bull;
    }
}

// Powers of 2, which are exact: 2^-24 is what a float's 24 bits are counted in, 2^-53 what a double's are.
constexpr float float_m24 = 1.0f / (1ull << 24), float_m32 = 1.0f / (1ull << 32), float_m33 = 1.0f / (1ull << 33);
constexpr double double_m53 = 1.0 / (1ull << 53), double_m54 = 1.0 / (1ull << 54);
constexpr double two_pi = 6.283185307179586;

// Half i of the words, the low half of a word first.
__device__ inline unsigned int half_of(const u64 *w, int i) { return (unsigned int)(w[i / 2] >> (i % 2 * 32)); }

// In (0, 1]: a half of a word, or a word.
__device__ inline float positive(unsigned int half) { return half * float_m32 + float_m33; }
__device__ inline double positive(u64 word) { return ((word >> 11) + 1) * double_m53; }

// Uniform in [0, 1), as NumPy makes it of the bits.
__device__ inline void uniform(const u64 *w, float *x) {
    for (int i = 0; i < 8; i++) x[i] = (half_of(w, i) >> 8) * float_m24;
}
__device__ inline void uniform(const u64 *w, double *x) {
    for (int i = 0; i < 4; i++) x[i] = (w[i] >> 11) * double_m53;
}

// Two normal numbers of two uniform ones (Box and Muller, 1958).
__device__ inline void normal(const u64 *w, float *x) {
    for (int i = 0; i < 8; i += 2) {
        float r = sqrtf(-2.0f * logf(positive(half_of(w, i))));
        float angle = (float)two_pi * (half_of(w, i + 1) * float_m32);
        x[i] = r * cosf(angle);
        x[i + 1] = r * sinf(angle);
    }
}
__device__ inline void normal(const u64 *w, double *x) {
    for (int i = 0; i < 4; i += 2) {
        double r = sqrt(-2.0 * log(positive(w[i])));
        double angle = two_pi * ((w[i + 1] >> 11) * double_m53);
        x[i] = r * cos(angle);
        x[i + 1] = r * sin(angle);
    }
}

// Never 0, so that its logarithm is finite: at least half a step of what `positive` counts in.
__device__ inline void exponential(const u64 *w, float *x) {
    for (int i = 0; i < 8; i++) x[i] = fmaxf(-logf(positive(half_of(w, i))), float_m33);
}
__device__ inline void exponential(const u64 *w, double *x) {
    for (int i = 0; i < 4; i++) x[i] = fmax(-log(positive(w[i])), double_m54);
}

// The blocks of which the numbers are made, `each` numbers of one: a thread makes every so manyth block.
#define FOR_EACH_BLOCK(i, n, each)                                                                 \
    for (long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x; i * (each) < (n);         \
         i += (long long)gridDim.x * blockDim.x)

#define DRAWING(NAME)                                                                              \
    extern "C" __global__ void draw_##NAME(                                                        \
        real *out, long long n, u64 position, u64 stream, u64 k0, u64 k1                           \
    ) {                                                                                            \
        constexpr int each = 4 * sizeof(u64) / sizeof(real);                                       \
        FOR_EACH_BLOCK(i, n, each) {                                                               \
            u64 w[4];                                                                              \
            real x[each];                                                                          \
            philox(position + 1 + i, stream, k0, k1, w);                                           \
            NAME(w, x);                                                                            \
            for (int j = 0; j < each; j++) if (i * each + j < n) out[i * each + j] = x[j];         \
        }                                                                                          \
    }

DRAWING(uniform)
DRAWING(normal)
DRAWING(exponential)

// Whole numbers from low on, span of them; `real` plays no part.
extern "C" __global__ void draw_integers(
    long long *out, long long n, u64 position, u64 stream, u64 k0, u64 k1, long long low, u64 span
) {
    FOR_EACH_BLOCK(i, n, 4) {
        u64 w[4];
        philox(position + 1 + i, stream, k0, k1, w);
        for (int j = 0; j < 4; j++) {
            if (i * 4 + j < n) out[i * 4 + j] = low + (long long)high_product(w[j], span);
        }
    }
}
