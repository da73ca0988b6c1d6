// What CUDA C has beside C++, for g++: the threads of a launch run one after the other.
//
// Where the threads of a block speak with each other (TEAMS is defined then), each is a fiber, with a stack of its own: it runs
// until it comes to a barrier, and then the next one does.  Blocks run one after the other.  Both in an order that changes from
// turn to turn: what depends on it is wrong.

#include <math.h>
#ifdef TEAMS
#include <setjmp.h>
#include <string.h>
#include <ucontext.h>
#endif

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __noinline__
#define __shared__
#define __restrict__

struct dim3 {
    unsigned int x, y, z;
};

static thread_local dim3 gridDim, blockDim, blockIdx, threadIdx;

// A kernel's parameters from addresses, as the driver of a GPU takes them: one address for each.
template <class T>
static T from_address(void* address) {
    return *static_cast<T*>(address);
}

template <int... I>
struct Places {};

template <int N, int... I>
struct Count : Count<N - 1, N - 1, I...> {};

template <int... I>
struct Count<0, I...> {
    typedef Places<I...> type;
};

template <class... T, int... I>
static void run(void (*kernel)(T...), void** addresses, Places<I...>) {
    kernel(from_address<T>(addresses[I])...);
}

#ifdef TEAMS
enum { MOST_THREADS = 1024, STACK = 1 << 16 };

struct Fiber {
    ucontext_t begin;
    jmp_buf here;
    bool begun, ended;
};

static Fiber fibers[MOST_THREADS];
static char stacks[MOST_THREADS][STACK];
static ucontext_t first_time;
static jmp_buf scheduler;
static int running;
static void (*body)();

static void __syncthreads() {
    if (!_setjmp(fibers[running].here)) _longjmp(scheduler, 1);
}

static void fiber() {
    body();
    fibers[running].ended = true;
    _longjmp(scheduler, 1);
}

static void resume(int number) {
    running = number;
    threadIdx = dim3{number % blockDim.x, number / blockDim.x % blockDim.y, number / blockDim.x / blockDim.y};
    Fiber& one = fibers[number];
    if (_setjmp(scheduler)) return;
    if (one.begun) _longjmp(one.here, 1);
    one.begun = true;
    swapcontext(&first_time, &one.begin);
}

// Number i of n in the order of a turn: backwards, or with leaps.
static unsigned int shuffled(unsigned int i, unsigned int n, unsigned int turn) {
    const unsigned int steps[] = {n - 1, 7, 11, 13}, step = steps[turn % 4];
    unsigned int a = step, b = n;
    while (b) {
        const unsigned int rest = a % b;
        a = b, b = rest;
    }
    return a == 1 ? (unsigned int)((unsigned long long)i * step + turn % n) % n : n - 1 - i;  // of a common divisor some never come
}

// All threads of a block, up to one barrier after the other, until all have ended.  All come to each barrier, or none.
static void run_block(int threads, void (*of_each)()) {
    static unsigned int turns = 0;
    body = of_each;
    for (int i = 0; i < threads; i++) {
        Fiber& one = fibers[i];
        one.begun = one.ended = false;
        getcontext(&one.begin);
        one.begin.uc_stack.ss_sp = stacks[i];
        one.begin.uc_stack.ss_size = STACK;
        makecontext(&one.begin, fiber, 0);
    }
    for (int ended = 0; ended < threads; turns++) {
        if (ended) __builtin_trap();  // some threads wait for others that will not come
        for (int i = 0; i < threads; i++) resume((int)shuffled(i, threads, turns));
        for (int i = 0; i < threads; i++) ended += fibers[i].ended;
    }
}

template <class T>
static T __shfl_xor_sync(unsigned int, T value, int far) {
    static T values[MOST_THREADS];
    const int me = running;
    values[me] = value;
    __syncthreads();
    const T found = values[me ^ far];
    __syncthreads();
    return found;
}

static void __threadfence() {}

static unsigned int atomicInc(unsigned int* count, unsigned int last) {
    const unsigned int before = *count;
    *count = before >= last ? 0 : before + 1;
    return before;
}
#endif

template <class... T>
static void run_all(void (*kernel)(T...), dim3 grid, dim3 block, void** addresses) {
    gridDim = grid;
    blockDim = block;
#ifdef TEAMS
    static void (*given)(T...);
    static void** given_addresses;
    given = kernel;
    given_addresses = addresses;
    static unsigned int launches = 0;
    for (unsigned int i = 0; i < grid.x * grid.y * grid.z; i++) {
        const unsigned int number = shuffled(i, grid.x * grid.y * grid.z, launches);
        blockIdx = dim3{number % grid.x, number / grid.x % grid.y, number / grid.x / grid.y};
        run_block(block.x * block.y * block.z, [] { run(given, given_addresses, typename Count<sizeof...(T)>::type()); });
    }
    launches++;
    return;
#endif
    for (blockIdx.z = 0; blockIdx.z < grid.z; blockIdx.z++)
        for (blockIdx.y = 0; blockIdx.y < grid.y; blockIdx.y++)
            for (blockIdx.x = 0; blockIdx.x < grid.x; blockIdx.x++)
                for (threadIdx.z = 0; threadIdx.z < block.z; threadIdx.z++)
                    for (threadIdx.y = 0; threadIdx.y < block.y; threadIdx.y++)
                        for (threadIdx.x = 0; threadIdx.x < block.x; threadIdx.x++)
                            run(kernel, addresses, typename Count<sizeof...(T)>::type());
}

template <class T>
struct Size {
    enum { of = sizeof(T) };
};
template <class T>
struct Size<T*> {
    enum { of = -(int)sizeof(T*) };
};

// The sizes of a kernel's parameters, which must be those of the arguments; those of pointers are negative.
template <class... T>
static int sizes_of(void (*)(T...), int* sizes) {
    const int all[] = {Size<T>::of..., 0};
    for (unsigned i = 0; i < sizeof...(T); i++) sizes[i] = all[i];
    return (int)sizeof...(T);
}

#define LAUNCHER(name)                                                                                       \
    extern "C" void launch_##name(const unsigned* grid, const unsigned* block, void** addresses) {            \
        run_all(name, dim3{grid[0], grid[1], grid[2]}, dim3{block[0], block[1], block[2]}, addresses);        \
    }                                                                                                        \
    extern "C" int sizes_##name(int* sizes) { return sizes_of(name, sizes); }
