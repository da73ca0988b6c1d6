// Random numbers: NumPy's Philox, and what is made of its words.  minigrad/random/philox.py says how it is used.
//
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

// Powers of 2 in decimal, since C++ knows them in hexadecimal from 2017 on: 2.33e-10 is 2^-32, 1.16e-10 2^-33,
// 5.96e-08 2^-24, 1.11e-16 2^-53, 5.55e-17 2^-54.

// In (0, 1]: a half of a word, or a word.
__device__ inline float positive(unsigned int half) {
    return half * 2.3283064365386963e-10f + 1.1641532182693481e-10f;
}
__device__ inline double positive(u64 word) { return ((word >> 11) + 1) * 1.1102230246251565e-16; }

// Uniform in [0, 1), as NumPy makes it of the bits.
__device__ inline void uniform(const u64 *w, float *x) {
    for (int i = 0; i < 8; i++) x[i] = ((unsigned int)(w[i / 2] >> (i % 2 * 32)) >> 8) * 5.9604644775390625e-08f;
}
__device__ inline void uniform(const u64 *w, double *x) {
    for (int i = 0; i < 4; i++) x[i] = (w[i] >> 11) * 1.1102230246251565e-16;
}

// Two normal numbers of two uniform ones (Box and Muller, 1958).
__device__ inline void normal(const u64 *w, float *x) {
    for (int i = 0; i < 4; i++) {
        float r = sqrtf(-2.0f * logf(positive((unsigned int)w[i])));
        float angle = 6.28318531f * ((unsigned int)(w[i] >> 32) * 2.3283064365386963e-10f);
        x[2 * i] = r * cosf(angle);
        x[2 * i + 1] = r * sinf(angle);
    }
}
__device__ inline void normal(const u64 *w, double *x) {
    for (int i = 0; i < 4; i += 2) {
        double r = sqrt(-2.0 * log(positive(w[i])));
        double angle = 6.283185307179586 * ((w[i + 1] >> 11) * 1.1102230246251565e-16);
        x[i] = r * cos(angle);
        x[i + 1] = r * sin(angle);
    }
}

// Never 0, so that its logarithm is finite.
__device__ inline void exponential(const u64 *w, float *x) {
    for (int i = 0; i < 8; i++) {
        x[i] = fmaxf(-logf(positive((unsigned int)(w[i / 2] >> (i % 2 * 32)))), 1.1641532182693481e-10f);
    }
}
__device__ inline void exponential(const u64 *w, double *x) {
    for (int i = 0; i < 4; i++) x[i] = fmax(-log(positive(w[i])), 5.551115123125783e-17);
}

#define DRAWING(NAME, T, COUNT)                                                                    \
    extern "C" __global__ void NAME##_##T(                                                         \
        T *out, long long n, u64 position, u64 stream, u64 k0, u64 k1                              \
    ) {                                                                                            \
        long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;                            \
        if (i * COUNT >= n) return;                                                                \
        u64 w[4];                                                                                  \
        T x[COUNT];                                                                                \
        philox(position + 1 + i, stream, k0, k1, w);                                               \
        NAME(w, x);                                                                                \
        for (int j = 0; j < COUNT; j++) if (i * COUNT + j < n) out[i * COUNT + j] = x[j];          \
    }

DRAWING(uniform, float, 8)
DRAWING(uniform, double, 4)
DRAWING(normal, float, 8)
DRAWING(normal, double, 4)
DRAWING(exponential, float, 8)
DRAWING(exponential, double, 4)

// Whole numbers from low on, span of them.
extern "C" __global__ void integers_long(
    long long *out, long long n, u64 position, u64 stream, u64 k0, u64 k1, long long low, u64 span
) {
    long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (i * 4 >= n) return;
    u64 w[4];
    philox(position + 1 + i, stream, k0, k1, w);
    for (int j = 0; j < 4; j++) {
        if (i * 4 + j < n) out[i * 4 + j] = low + (long long)high_product(w[j], span);
    }
}
