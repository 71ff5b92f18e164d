package org.adjoint.cuda.driver;

import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.Collection;
import java.util.Deque;
import java.util.List;
import jcuda.driver.JCudaDriver;
import org.adjoint.backend.DeviceUnavailableException;
import org.adjoint.backend.OutOfDeviceMemoryException;
import org.adjoint.cuda.launch.Product;
import org.adjoint.cuda.launch.Source;

/**
 * An open card: its memory, and one stream that runs what is enqueued in the order of the calls. Usable from any
 * thread. A failing call throws {@link CudaException}; after one that loses the device, all do, with the first
 * failure's words.
 */
public final class Gpu implements AutoCloseable {
    private final GpuInfo info;
    private final GpuOptions options;
    private final KernelCompiler compiler;
    private final int target;
    private final Context context;
    private final Deque<Runnable> releases = new ArrayDeque<>();
    private final Staging staging;
    private final DeviceMemory memory;
    private final Modules modules;
    private Blas blas;

    private Gpu(GpuInfo info, KernelCompiler compiler, GpuOptions options) {
        this.info = info;
        this.options = options;
        this.compiler = compiler;
        target = compiler.target(info.architecture());
        context = new Context("cuda:" + info.ordinal(), GpuInfo.device(info.ordinal()));
        releases.push(context::close);
        context.enter();
        try {
            memory = new DeviceMemory(context.name(), new DriverMemory(context, info.memoryBytes()), options.pooling());
            releases.push(memory::close);
            context.setMemory(memory);
            modules = new Modules(context);
            releases.push(modules::release);
            staging = new Staging(context);
            releases.push(staging::release);
        } catch (RuntimeException | Error e) {
            RuntimeException another = release(null);
            if (another != null) {
                e.addSuppressed(another);
            }
            throw e;
        } finally {
            context.exit();
        }
    }

    /** Releases all that was taken, the latest first; returns {@code earlier}, else the first failure, else null. */
    private RuntimeException release(RuntimeException earlier) {
        RuntimeException first = earlier;
        for (Runnable release : releases) {
            try {
                release.run();
            } catch (RuntimeException e) {
                first = first == null ? e : first;
            }
        }
        return first;
    }

    /**
     * Every card that the driver shows, without opening any.
     *
     * @throws DeviceUnavailableException if the driver can't be started, or shows none
     */
    public static List<GpuInfo> list(Libraries libraries) {
        return GpuInfo.list(libraries);
    }

    /** Opens a card with the user's cache of compiled kernels. */
    public static Gpu open(Libraries libraries, int ordinal, GpuOptions options) {
        return open(libraries, ordinal, options, CubinCache.ofUser());
    }

    /**
     * @param ordinal the card's number in {@link #list}
     * @throws DeviceUnavailableException if there is no such card, or it is too old or too new for the libraries
     * @throws CudaException if the driver refuses
     */
    public static Gpu open(Libraries libraries, int ordinal, GpuOptions options, CubinCache cache) {
        JCudaDriver.setExceptionsEnabled(false);
        List<GpuInfo> cards = GpuInfo.list(libraries);
        if (ordinal < 0 || ordinal >= cards.size()) {
            throw new DeviceUnavailableException("cuda:" + ordinal + " does not exist: the driver shows "
                + (cards.size() == 1 ? "only cuda:0" : "cuda:0 to cuda:" + (cards.size() - 1)));
        }
        GpuInfo info = cards.get(ordinal);
        if (info.problem() != null) {
            throw new DeviceUnavailableException(info.problem());
        }
        return new Gpu(info, new KernelCompiler(libraries.compiler(), cache), options);
    }

    public GpuInfo info() {
        return info;
    }

    /** NVRTC's version, such as {@code 12.6}. */
    public String compilerVersion() {
        return compiler.version();
    }

    /** cuBLAS's version, such as {@code 12.6.4}. */
    public String blasVersion() {
        context.enter();
        try {
            return blas().version();
        } finally {
            context.exit();
        }
    }

    /**
     * @param bytes at least 0
     * @return the address of memory aligned to 256 bytes, padded to a multiple of 64; its contents are undefined
     * @throws OutOfDeviceMemoryException if there is not enough
     */
    public long allocate(long bytes) {
        context.enter();
        try {
            return memory.allocate(bytes, true);
        } finally {
            context.exit();
        }
    }

    /** As {@link #allocate}, for memory that is freed as soon as all that uses it is enqueued. */
    public long lease(long bytes) {
        context.enter();
        try {
            return memory.lease(bytes);
        } finally {
            context.exit();
        }
    }

    /** Frees what {@link #allocate} and {@link #lease} gave; work enqueued before may still use it. Does nothing once this is closed. */
    public void free(long address) {
        if (context.enterToFree()) {
            try {
                memory.free(address);
            } finally {
                context.exit();
            }
        }
    }

    /** Bytes of live allocations as they were asked for. */
    public long liveBytes() {
        return context.locked(memory::liveBytes);
    }

    /** Bytes taken from the driver, in use or kept for later. */
    public long reservedBytes() {
        return context.locked(memory::reservedBytes);
    }

    /** Gives back to the driver what is kept for later. */
    public void releaseIdle() {
        context.enterToWait("releasing memory");
        try {
            memory.releaseIdle();
        } finally {
            context.exit();
        }
    }

    /** The card's free bytes, without those kept here for later, and all of its bytes. */
    public long[] memory() {
        context.enter();
        try {
            long[] free = new long[1];
            long[] total = new long[1];
            context.check(JCudaDriver.cuMemGetInfo(free, total), "cuMemGetInfo", "of the card");
            return new long[] {free[0], total[0]};
        } finally {
            context.exit();
        }
    }

    /** Enqueues a copy of all of {@code source} to the card; {@code source}, heap or native, may change on return. */
    public void write(MemorySegment source, long target) {
        staging.write(source, target);
    }

    /** Fills {@code target}, heap or native, from the card, after all work enqueued so far. */
    public void read(long source, MemorySegment target) {
        staging.read(source, target);
    }

    /** Enqueues a copy within the card's memory; the ranges do not overlap. */
    public void copy(long source, long target, long bytes) {
        if (bytes == 0) {
            return;
        }
        context.enter();
        try {
            context.check(JCudaDriver.cuMemcpyDtoDAsync(DevicePointer.at(target), DevicePointer.at(source), bytes,
                context.stream()), "cuMemcpyDtoDAsync", "of " + bytes + " bytes");
        } finally {
            context.exit();
        }
    }

    /** Enqueues setting bytes of the card's memory to one value. */
    public void fill(long target, byte value, long bytes) {
        if (bytes == 0) {
            return;
        }
        context.enter();
        try {
            context.check(JCudaDriver.cuMemsetD8Async(DevicePointer.at(target), value, bytes, context.stream()),
                "cuMemsetD8Async", "of " + bytes + " bytes");
        } finally {
            context.exit();
        }
    }

    /** Compiles sources that the cache lacks, several at once, so that {@link #kernel} finds them there. */
    public void prepare(Collection<Source> sources) {
        List<Source> missing = context.locked(() -> sources.stream().filter(source -> !modules.has(source)).toList());
        compiler.prepare(missing, this.target);
    }

    /**
     * A function of a source, which is compiled and loaded if it was not.
     *
     * @throws CudaException if the source does not compile, or has no such function
     */
    public Kernel kernel(Source source, String function) {
        boolean loaded = context.locked(() -> modules.has(source));
        byte[] cubin = loaded ? null : compiler.cubin(source, target);
        try {
            return kernel(source, function, cubin);
        } catch (CudaException e) {
            if (loaded || !Statuses.isForeignCode(e)) {
                throw e;
            }
            return kernel(source, function, compiler.rebuild(source, target));
        }
    }

    private Kernel kernel(Source source, String function, byte[] cubin) {
        context.enter();
        try {
            return modules.kernel(source, function, cubin);
        } finally {
            context.exit();
        }
    }

    /**
     * Enqueues a kernel.
     *
     * @param gridX blocks, at most 2^31 - 1
     * @param sharedBytes dynamic shared memory of a block
     * @param parameters native memory that starts with a pointer to each of the kernel's parameters; it may change on
     *     return
     */
    public void launch(Kernel kernel, long gridX, int gridY, int gridZ, int blockX, int blockY, int blockZ,
        int sharedBytes, MemorySegment parameters) {
        context.enter();
        try {
            kernel.reserveShared(sharedBytes, context);
            context.launched(kernel);
            context.check(JCudaDriver.cuLaunchKernel(kernel.function(), Math.toIntExact(gridX), gridY, gridZ, blockX,
                blockY, blockZ, sharedBytes, context.stream(), new HostPointer(parameters.address()), null),
                "cuLaunchKernel", kernel);
            if (options.blocking() && !context.isCapturing()) {
                context.synchronize(kernel);
            }
        } finally {
            context.exit();
        }
    }

    /**
     * Enqueues products. The addresses are those of element (0, 0) of each first matrix, the matrices' byte offsets
     * included.
     *
     * @throws IllegalArgumentException if an extent is beyond 2^31 - 1, or lines of a matrix overlap
     */
    public void multiply(Product product, long a, long b, long c) {
        context.enter();
        try {
            blas().multiply(product, a, b, c);
        } finally {
            context.exit();
        }
    }

    private Blas blas() {
        if (blas == null) {
            long workspace = memory.allocate(Blas.workspaceBytes(info.architecture()), false);
            try {
                blas = new Blas(context, info.architecture(), workspace, options.tf32());
            } catch (RuntimeException | Error e) {
                memory.free(workspace);
                throw e;
            }
            releases.push(blas::release);
        }
        return blas;
    }

    /** A mark that can be put on the stream; {@code timed} if the time between two marks will be asked for. */
    public Event event(boolean timed) {
        context.enter();
        try {
            return new Event(context, timed);
        } finally {
            context.exit();
        }
    }

    /**
     * Captures what {@code enqueue} enqueues, without running it. Kernels must be loaded before; reading, writing and
     * waiting are refused meanwhile.
     */
    public Graph capture(Runnable enqueue) {
        context.enterToWait("capturing another graph");
        try {
            // Its creation allocates and may wait, which a capture does not allow.
            blas();
            return Graph.capture(context, enqueue);
        } finally {
            context.exit();
        }
    }

    /** Waits for all work; reports what kernels did wrong meanwhile. */
    public void synchronize() {
        context.enterToWait("waiting for it");
        try {
            context.synchronize("for all work");
        } finally {
            context.exit();
        }
    }

    /**
     * Frees all that the card holds; idempotent.
     *
     * @throws CudaException if work enqueued earlier fails only now; everything is freed all the same
     */
    @Override
    public void close() {
        staging.exclusively(() -> {
            if (!context.enterToFree()) {
                return;
            }
            RuntimeException failure = null;
            try {
                if (!context.isLost()) {
                    context.synchronize("for work enqueued before closing");
                }
            } catch (RuntimeException e) {
                failure = e;
            }
            try {
                failure = release(failure);
            } finally {
                context.exit();
            }
            if (failure != null) {
                throw failure;
            }
        });
    }
}
