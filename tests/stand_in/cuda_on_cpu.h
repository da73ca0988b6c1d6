// What CUDA C has beside C++, for g++: the threads of a launch run one after the other.
//
// Enough for kernels whose threads do not speak with each other: no shared memory, no atomics, no barriers.

#include <math.h>

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
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

template <class... T>
static void run_all(void (*kernel)(T...), dim3 grid, dim3 block, void** addresses) {
    gridDim = grid;
    blockDim = block;
    for (blockIdx.z = 0; blockIdx.z < grid.z; blockIdx.z++)
        for (blockIdx.y = 0; blockIdx.y < grid.y; blockIdx.y++)
            for (blockIdx.x = 0; blockIdx.x < grid.x; blockIdx.x++)
                for (threadIdx.z = 0; threadIdx.z < block.z; threadIdx.z++)
                    for (threadIdx.y = 0; threadIdx.y < block.y; threadIdx.y++)
                        for (threadIdx.x = 0; threadIdx.x < block.x; threadIdx.x++)
                            run(kernel, addresses, typename Count<sizeof...(T)>::type());
}

// The sizes of a kernel's parameters, which must be those of the arguments.
template <class... T>
static int sizes_of(void (*)(T...), int* sizes) {
    const int all[] = {(int)sizeof(T)..., 0};
    for (unsigned i = 0; i < sizeof...(T); i++) sizes[i] = all[i];
    return (int)sizeof...(T);
}

#define LAUNCHER(name)                                                                                       \
    extern "C" void launch_##name(const unsigned* grid, const unsigned* block, void** addresses) {            \
        run_all(name, dim3{grid[0], grid[1], grid[2]}, dim3{block[0], block[1], block[2]}, addresses);        \
    }                                                                                                        \
    extern "C" int sizes_##name(int* sizes) { return sizes_of(name, sizes); }
