// What the code of loops is written with: operations that are no expression, and what the threads of a block do together.
//
// Written in CUDA C without a header of CUDA's, so that a C++ compiler can build it too (tests/stand_in/raw.py).

#define THREADS 256

template <class To, class From>
static __device__ To seen_as(From x) {
    union {
        From from;
        To to;
    } both;
    both.from = x;
    return both.to;
}

template <class T>
struct Limits;
template <>
struct Limits<float> {
    static __device__ float infinity() { return seen_as<float>(0x7f800000); }
    static __device__ float nan() { return seen_as<float>(0x7fc00000); }
};
template <>
struct Limits<double> {
    static __device__ double infinity() { return seen_as<double>(0x7ff0000000000000ll); }
    static __device__ double nan() { return seen_as<double>(0x7ff8000000000000ll); }
};

// The larger and the smaller of two numbers; NaN passes on.
template <class T>
static __device__ T maximum(T x, T y) { return x > y ? x : y; }
template <class T>
static __device__ T minimum(T x, T y) { return x < y ? x : y; }
__device__ inline float maximum(float x, float y) { return x > y || isnan(x) ? x : y; }
__device__ inline float minimum(float x, float y) { return x < y || isnan(x) ? x : y; }
__device__ inline double maximum(double x, double y) { return x > y || isnan(x) ? x : y; }
__device__ inline double minimum(double x, double y) { return x < y || isnan(x) ? x : y; }

// 1 / (1 + exp(-x)): nothing overflows, and the left tail keeps its digits.
template <class T>
static __device__ T expit(T x) {
    const T small = exp(-fabs(x));
    return (x >= 0 ? 1 : small) / (1 + small);
}

// log(exp(x) + exp(y)).
template <class T>
static __device__ T logaddexp(T x, T y) {
    const T more = x == y ? (T)0.6931471805599453 : log1p(exp(-fabs(x - y)));
    return maximum(x, y) + more;
}

// Bits beyond the last are shifted out.
template <class T>
static __device__ T left_shift(T x, T n) {
    return (unsigned long long)n < 8 * sizeof(T) ? (T)((unsigned long long)x << n) : 0;
}
template <class T>
static __device__ T right_shift(T x, T n) {
    const bool inside = (unsigned long long)n < 8 * sizeof(T);
    return inside ? x >> n : x < (T)1 && x != 0 ? (T)-1 : 0;
}

// Of whole numbers, rounded down; by 0 it is 0, and the least integer by -1 is itself.
template <class T>
static __device__ bool rounds_up(T x, T y) { return x % y != 0 && (x < (T)1) != (y < (T)1); }  // as C rounds towards 0
template <class T>
static __device__ T remainder(T x, T y) {
    if (y == 0 || (y == (T)-1 && y < (T)1)) return 0;
    return rounds_up(x, y) ? x % y + y : x % y;
}
template <class T>
static __device__ T floor_divide(T x, T y) {
    if (y == 0) return 0;
    if (y == (T)-1 && y < (T)1) return (T)(0 - (unsigned long long)x);
    return rounds_up(x, y) ? x / y - 1 : x / y;
}

struct Add {
    template <class T>
    static __device__ T of(T x, T y) { return x + y; }
};
struct Multiply {
    template <class T>
    static __device__ T of(T x, T y) { return x * y; }
};
struct Maximum {
    template <class T>
    static __device__ T of(T x, T y) { return maximum(x, y); }
};
struct Minimum {
    template <class T>
    static __device__ T of(T x, T y) { return minimum(x, y); }
};
struct And {
    static __device__ bool of(bool x, bool y) { return x && y; }
};
struct Or {
    static __device__ bool of(bool x, bool y) { return x || y; }
};

// What the threads of a block show each other: one place for all types, since there is little of it.
__shared__ double shown[THREADS];

// The numbers of all members of a team, put together, always in the same order: each member gets the result.  All threads
// of a block call it.  The members are TEAM threads, either side by side (a team is a part of a warp, or some of them)
// or, where APART is not 1, so many threads apart.
template <class Op, int TEAM, int APART, class T>
static __device__ T together(T value) {
    if (APART == 1)
        for (int far = 1; far < TEAM && far < 32; far *= 2) value = Op::of(value, (T)__shfl_xor_sync(~0u, value, far));
    if (TEAM <= (APART == 1 ? 32 : 1)) return value;
    T* numbers = (T*)shown;
    numbers[threadIdx.x] = value;
    __syncthreads();
    const int first = APART == 1 ? threadIdx.x / TEAM * TEAM : threadIdx.x % APART;
    const int step = APART == 1 ? 32 : APART, last = first + (APART == 1 ? TEAM : TEAM * APART);
    T total = numbers[first];
    for (int i = first + step; i < last; i += step) total = Op::of(total, numbers[i]);
    __syncthreads();
    return total;
}

// Whether this is the last of some blocks to come here; it sees what the others have written.
__device__ inline bool last_to_come(unsigned int* count, unsigned int blocks) {
    static __shared__ bool last;
    __threadfence();
    __syncthreads();
    if (threadIdx.x == 0) last = atomicInc(count, blocks - 1) == blocks - 1;  // which begins at 0 again then
    __syncthreads();
    __threadfence();
    return last;
}
