package org.adjoint;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.ref.Reference;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.ServiceLoader;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.adjoint.backend.Backend;
import org.adjoint.backend.Buffer;
import org.adjoint.backend.DeviceDriver;
import org.adjoint.backend.DeviceReport;
import org.adjoint.backend.DeviceUnavailableException;
import org.adjoint.backend.Executable;
import org.adjoint.backend.OutOfDeviceMemoryException;
import org.adjoint.graph.DType;
import org.adjoint.graph.MovementOps;
import org.adjoint.graph.Node;
import org.adjoint.graph.Ops;
import org.adjoint.graph.Shape;
import org.adjoint.graph.TensorType;
import org.adjoint.plan.Plan;
import org.adjoint.plan.Planner;
import org.adjoint.plan.Program;

/**
 * A place to compute: it makes tensors and variables, owns their memory, and runs what they stand for.
 *
 * <p>Tensors are lazy: an operation only records what is to be computed. Reading a value, {@link Tensor#realize} or
 * {@link Variable#assign} computes what it needs, in fused kernels whose plan is cached by the structure of the graph.
 * A device may be used by several threads; scopes and traces belong to the thread that opened them.
 */
public final class Device implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(Device.class.getName());
    private static final int CACHED_PLANS = 256;
    private static final long FILLED_AT_ONCE = 64L << 20;
    /** Garbage that holds native memory is collected when live memory has grown by this much since the last look. */
    private static final long COLLECT_STEP = 512L << 20;

    private final String name;
    private final DeviceDriver driver;
    private final Scope root = new Scope(this, null, null);
    private final ThreadLocal<Scope> innermost = new ThreadLocal<>();
    private final ReentrantLock lock = new ReentrantLock();
    private final LruCache<Program.Structure, Executable> executables = new LruCache<>(CACHED_PLANS, Executable::close);
    private final AtomicLong plansMade = new AtomicLong();
    private final AtomicLong collectAt = new AtomicLong(COLLECT_STEP);
    private final RandomState random;
    private volatile boolean closed;

    private Device(String name, DeviceDriver driver) {
        this.name = name;
        this.driver = driver;
        this.random = new RandomState(this);
    }

    /** Opens the best usable device: a GPU if there is one, else the CPU. Says once why it is not the GPU. */
    public static Device open() {
        List<String> reasons = new ArrayList<>();
        for (Backend backend : backends()) {
            if (backend.priority() < 0) {
                continue;
            }
            List<DeviceReport> reports = backend.probe();
            for (int ordinal = 0; ordinal < reports.size(); ordinal++) {
                DeviceReport report = reports.get(ordinal);
                String problem = report.summary();
                if (report.usable()) {
                    try {
                        DeviceDriver driver = backend.open(ordinal, Map.of());
                        if (!reasons.isEmpty()) {
                            LOG.log(System.Logger.Level.INFO,
                                "using " + report.name() + "; " + String.join("; ", reasons));
                        }
                        return new Device(report.name(), driver);
                    } catch (DeviceUnavailableException | OutOfDeviceMemoryException e) {
                        problem = e.getMessage().lines().findFirst().orElse("");
                    }
                }
                reasons.add(report.name() + " can't be used: " + problem);
            }
        }
        throw new DeviceUnavailableException(reasons.isEmpty()
            ? "no backend is on the class path or module path: add adjoint-cpu or adjoint-cuda"
            : "no device is usable: " + String.join("; ", reasons));
    }

    /** As {@link #open(String, Map)} without options. */
    public static Device open(String name) {
        return open(name, Map.of());
    }

    /**
     * Opens a device by name.
     *
     * @param name {@code "cpu"}, {@code "cuda"}, {@code "cuda:1"}, {@code "reference"}
     * @param options what the backend documents, such as {@code "threads"}
     * @throws DeviceUnavailableException if it can't be used, listing what was tried; never another device instead
     */
    public static Device open(String name, Map<String, String> options) {
        String kind = name.contains(":") ? name.substring(0, name.indexOf(':')) : name;
        int ordinal = 0;
        if (name.contains(":")) {
            try {
                ordinal = Integer.parseUnsignedInt(name.substring(name.indexOf(':') + 1));
            } catch (NumberFormatException e) {
                throw new IllegalArgumentException("device '" + name + "': what follows the colon must be a number", e);
            }
        }
        List<Backend> backends = backends();
        for (Backend backend : backends) {
            if (backend.name().equals(kind)) {
                String full = ordinal == 0 && !name.contains(":") ? kind : kind + ":" + ordinal;
                return new Device(full, backend.open(ordinal, options));
            }
        }
        throw new DeviceUnavailableException("device '" + name + "': there is no backend '" + kind + "' among "
            + backends.stream().map(Backend::name).toList() + "; add adjoint-" + kind
            + " to the class path or module path if it is missing there");
    }

    /** Every device of every backend, usable or not, best first. */
    public static List<DeviceReport> list() {
        return backends().stream().flatMap(backend -> backend.probe().stream()).toList();
    }

    private static List<Backend> backends() {
        return ServiceLoader.load(Backend.class, Device.class.getClassLoader()).stream().map(ServiceLoader.Provider::get)
            .sorted(Comparator.comparingInt(Backend::priority).reversed()).toList();
    }

    /** {@code "cpu"}, {@code "cuda:1"}. */
    public String name() {
        return name;
    }

    /** One line: what is computing. */
    public String description() {
        return driver.description();
    }

    // Scopes and memory

    /** Opens a scope, which owns what this thread makes until it is closed. */
    public Scope scope() {
        requireOpen();
        Scope scope = new Scope(this, currentScope(), Thread.currentThread());
        innermost.set(scope);
        return scope;
    }

    Scope currentScope() {
        Scope scope = innermost.get();
        return scope == null ? root : scope;
    }

    Scope root() {
        return root;
    }

    void leave(Scope scope, Scope parent) {
        if (scope == root) {
            return;
        }
        if (innermost.get() != scope) {
            throw new IllegalStateException("scope.close: close the scopes that were opened inside it first");
        }
        innermost.set(parent == root ? null : parent);
    }

    /** Bytes of native or device memory in use, those of cached plans' arenas not counted. */
    public long liveBytes() {
        return driver.liveBytes();
    }

    /**
     * What is alive outside any scope, one line each; with the system property {@code adjoint.leaks=true}, where it was
     * allocated.
     */
    public List<String> leaks() {
        return root.resources().stream().map(resource -> {
            Throwable site = resource.allocationSite();
            return resource.type() + (site == null ? "" : " at " + userFrame(site));
        }).toList();
    }

    /** The first frame outside this library. */
    private static String userFrame(Throwable site) {
        for (StackTraceElement frame : site.getStackTrace()) {
            if (!frame.getClassName().startsWith("org.adjoint.")) {
                return frame.toString();
            }
        }
        return site.getStackTrace()[0].toString();
    }

    // Making tensors

    /** A tensor of dtype {@code F32}; without extents, a vector. */
    public Tensor tensor(float[] values, long... extents) {
        return tensor(values, shapeOf(values.length, extents));
    }

    /** A tensor of dtype {@code F32}. */
    public Tensor tensor(float[] values, Shape shape) {
        return upload(DType.F32, requireCount(values.length, shape), MemorySegment.ofArray(values));
    }

    /** A tensor of dtype {@code F64}; without extents, a vector. */
    public Tensor tensor(double[] values, long... extents) {
        return tensor(values, shapeOf(values.length, extents));
    }

    /** A tensor of dtype {@code F64}. */
    public Tensor tensor(double[] values, Shape shape) {
        return upload(DType.F64, requireCount(values.length, shape), MemorySegment.ofArray(values));
    }

    /** A tensor of dtype {@code I32}; without extents, a vector. */
    public Tensor tensor(int[] values, long... extents) {
        return tensor(values, shapeOf(values.length, extents));
    }

    /** A tensor of dtype {@code I32}. */
    public Tensor tensor(int[] values, Shape shape) {
        return upload(DType.I32, requireCount(values.length, shape), MemorySegment.ofArray(values));
    }

    /** A tensor of dtype {@code I64}; without extents, a vector. */
    public Tensor tensor(long[] values, long... extents) {
        return tensor(values, shapeOf(values.length, extents));
    }

    /** A tensor of dtype {@code I64}. */
    public Tensor tensor(long[] values, Shape shape) {
        return upload(DType.I64, requireCount(values.length, shape), MemorySegment.ofArray(values));
    }

    /** A tensor of dtype {@code BOOL}; without extents, a vector. */
    public Tensor tensor(boolean[] values, long... extents) {
        return tensor(values, shapeOf(values.length, extents));
    }

    /** A tensor of dtype {@code BOOL}. */
    public Tensor tensor(boolean[] values, Shape shape) {
        byte[] bytes = new byte[values.length];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = (byte) (values[i] ? 1 : 0);
        }
        return upload(DType.BOOL, requireCount(values.length, shape), MemorySegment.ofArray(bytes));
    }

    /**
     * A tensor from memory in the host's byte order, row-major.
     *
     * @throws IllegalArgumentException if the segment is not exactly as long as the tensor
     */
    public Tensor tensor(DType dtype, Shape shape, MemorySegment values) {
        TensorType type = new TensorType(dtype, shape);
        Transfers.requireReadable("tensor", values);
        if (values.byteSize() != Words.of("tensor", type::bytes)) {
            throw new IllegalArgumentException("tensor: " + type + " takes " + type.bytes() + " bytes but "
                + values.byteSize() + " are given");
        }
        return upload(dtype, shape, values);
    }

    /** One number, {@code F32}. */
    public Tensor scalar(double value) {
        return full(DType.F32, value);
    }

    public Tensor full(DType dtype, double value, long... shape) {
        return full("full", dtype, value, shape);
    }

    private Tensor full(String name, DType dtype, double value, long... shape) {
        return lazy(name, () -> Ops.full(dtype, Shape.of(shape), value));
    }

    public Tensor zeros(DType dtype, long... shape) {
        return full("zeros", dtype, 0, shape);
    }

    public Tensor ones(DType dtype, long... shape) {
        return full("ones", dtype, 1, shape);
    }

    /** 0, 1, ..., count - 1. */
    public Tensor arange(DType dtype, long count) {
        return lazy("arange", () -> Ops.iota(dtype, count));
    }

    /** {@code start, start + step, ...} up to, but not including, {@code end}; integers take whole numbers. */
    public Tensor arange(DType dtype, double start, double end, double step) {
        return lazy("arange", () -> MovementOps.arange(dtype, start, end, step));
    }

    /** {@code count} numbers from {@code start} to {@code end}, both included, evenly spaced. */
    public Tensor linspace(DType dtype, double start, double end, long count) {
        return lazy("linspace", () -> MovementOps.linspace(dtype, start, end, count));
    }

    /** The identity matrix. */
    public Tensor eye(DType dtype, long side) {
        return eye(dtype, side, side);
    }

    /** Ones on the main diagonal of (rows, columns), zeros else. */
    public Tensor eye(DType dtype, long rows, long columns) {
        return lazy("eye", () -> MovementOps.eye(dtype, rows, columns));
    }

    /** A value everywhere, in another tensor's shape and dtype. */
    public Tensor fullLike(Tensor like, double value) {
        return full("fullLike", like.dtype(), value, like.shape().toArray());
    }

    public Tensor zerosLike(Tensor like) {
        return fullLike(like, 0);
    }

    public Tensor onesLike(Tensor like) {
        return fullLike(like, 1);
    }

    /** Random numbers of this device, whose state is a variable like any other. */
    public RandomState random() {
        return random;
    }

    /** State named {@code name} that starts as {@code initial}. */
    public Variable variable(String name, Tensor initial) {
        requireNoTrace("variable");
        requireSame("variable " + name, initial.device());
        Storage storage = compute(List.of(initial.operand("variable")), List.of(currentScope())).getFirst();
        return new Variable(this, name, initial.type(), storage, currentScope());
    }

    /** Gives the elements of a variable, a part at a time. */
    @FunctionalInterface
    public interface Filler {
        /**
         * @param part memory of the elements from {@code firstElement} on, in the variable's dtype and the host's byte
         *     order
         */
        void fill(MemorySegment part, long firstElement);
    }

    /**
     * State named {@code name} whose first value is made part by part, so that the host never holds more than 64 MiB of
     * it.
     */
    public Variable variable(String name, TensorType type, Filler filler) {
        requireNoTrace("variable");
        requireOpen();
        Storage storage = allocate(type, currentScope());
        try (Arena arena = Arena.ofShared()) {
            long bytes = type.bytes();
            MemorySegment staging = arena.allocate(Math.min(bytes, FILLED_AT_ONCE), 8);
            for (long start = 0; start < bytes; start += FILLED_AT_ONCE) {
                MemorySegment part = staging.asSlice(0, Math.min(FILLED_AT_ONCE, bytes - start));
                filler.fill(part, start / type.dtype().bytes());
                driver.write(part, storage.buffer("variable"), start);
            }
        } catch (RuntimeException | Error e) {
            storage.free();
            throw e;
        }
        return new Variable(this, name, type, storage, currentScope());
    }

    private Tensor lazy(String name, Supplier<Node> node) {
        requireOpen();
        return new Tensor(this, Words.of(name, node), Trace.current());
    }

    private static Shape shapeOf(long count, long... extents) {
        return extents.length == 0 ? Shape.of(count) : Words.of("tensor", () -> Shape.of(extents));
    }

    private static Shape requireCount(long count, Shape shape) {
        if (shape.elements() != count) {
            throw new IllegalArgumentException("tensor: shape " + shape + " has " + shape.elements() + " elements but "
                + count + " values are given");
        }
        return shape;
    }

    private Tensor upload(DType dtype, Shape shape, MemorySegment values) {
        requireOpen();
        TensorType type = new TensorType(dtype, shape);
        // What a traced function makes is a constant of all its runs, whatever scope the first one runs in.
        Scope owner = Trace.compiled() == null ? currentScope() : root;
        Storage storage = allocate(type, owner);
        driver.write(values, storage.buffer("tensor"));
        Node node = Ops.leaf(type);
        node.bind(storage);
        return new Tensor(this, node, null, owner);
    }

    // Computing

    Storage allocate(TensorType type, Scope owner) {
        requireOpen();
        if (driver.liveBytes() > collectAt.get()) {
            collectGarbage();
        }
        Buffer buffer;
        try {
            buffer = driver.allocate(type.bytes());
        } catch (OutOfDeviceMemoryException e) {
            collectGarbage();
            buffer = driver.allocate(type.bytes());
        }
        return new Storage(this, buffer, type, owner);
    }

    /** Native memory of unreachable tensors is invisible to the collector's own heuristics, as with direct buffers. */
    private void collectGarbage() {
        System.gc();
        try {
            Thread.sleep(20);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        collectAt.set(driver.liveBytes() + COLLECT_STEP);
    }

    /** Computes nodes into fresh memory, one owner each; nodes are not bound to it. */
    List<Storage> compute(List<Node> nodes, List<Scope> owners) {
        return Debug.isDetecting() ? CheckedRun.compute(this, nodes, owners, Map.of()) : computeUnchecked(nodes, owners);
    }

    /** As {@link #compute}, whatever anomalies there are. */
    List<Storage> computeUnchecked(List<Node> nodes, List<Scope> owners) {
        lock.lock();
        try {
            Program program = Program.of(nodes, List.of(), List.of(), false);
            Executable executable = executables.computeIfAbsent(program.structure(), () -> compile(program));
            List<Node> leaves = program.leaves();
            Buffer[] externals = new Buffer[leaves.size() + nodes.size()];
            for (int i = 0; i < leaves.size(); i++) {
                externals[i] = leafBuffer(leaves.get(i), nodes.getFirst().op().name());
            }
            List<Storage> results = new ArrayList<>();
            try {
                for (int i = 0; i < nodes.size(); i++) {
                    Storage storage = allocate(nodes.get(i).type(), owners.get(i));
                    results.add(storage);
                    externals[leaves.size() + i] = storage.buffer("result");
                }
                executable.run(externals, program.scalars());
            } catch (RuntimeException | Error e) {
                results.forEach(Storage::free);
                throw e;
            } finally {
                // Buffers do not keep alive the storage that a cleaner frees.
                Reference.reachabilityFence(leaves);
            }
            return results;
        } finally {
            lock.unlock();
        }
    }

    Buffer leafBuffer(Node leaf, String reader) {
        if (leaf.value() instanceof Storage storage) {
            requireSame(reader, storage.device());
            return storage.buffer(reader);
        }
        Mapping.requireNone(leaf);
        throw new IllegalStateException(reader + ": a tensor " + leaf.type() + " of a traced function was used outside of it");
    }

    /** Computes nodes that have no value yet, together, and binds them. */
    void realize(List<Node> nodes, List<Scope> owners) {
        lock.lock();
        try {
            List<Node> pending = new ArrayList<>();
            List<Scope> pendingOwners = new ArrayList<>();
            for (int i = 0; i < nodes.size(); i++) {
                if (nodes.get(i).value() == null && !pending.contains(nodes.get(i))) {
                    pending.add(nodes.get(i));
                    pendingOwners.add(owners.get(i));
                }
            }
            if (pending.isEmpty()) {
                return;
            }
            List<Storage> storages = compute(pending, pendingOwners);
            for (int i = 0; i < pending.size(); i++) {
                if (!pending.get(i).bind(storages.get(i))) {
                    storages.get(i).free();
                }
            }
        } finally {
            lock.unlock();
        }
    }

    Storage copy(Storage source, TensorType type, Scope owner) {
        Node leaf = Ops.leaf(type);
        leaf.bind(source);
        return computeUnchecked(List.of(leaf), List.of(owner)).getFirst();
    }

    private Executable compile(Program program) {
        plansMade.incrementAndGet();
        return driver.compile(Planner.plan(program, driver.target()));
    }

    /** The plan of a program as this device would run it. */
    Plan plan(Program program) {
        return Planner.plan(program, driver.target());
    }

    DeviceDriver driver() {
        return driver;
    }

    ReentrantLock lock() {
        return lock;
    }

    /** How many plans were made so far: constant while everything that runs is cached. */
    public long plansMade() {
        return plansMade.get();
    }

    void read(Storage storage, MemorySegment target) {
        try {
            driver.read(storage.buffer("read"), target);
        } finally {
            Reference.reachabilityFence(storage);
        }
    }

    // Checks

    void requireOpen() {
        if (closed) {
            throw new IllegalStateException("device " + name + " is closed");
        }
    }

    void requireNoTrace(String method) {
        if (Trace.current() != null) {
            throw new IllegalStateException(method + ": not inside a traced function; do it before Step.run");
        }
    }

    /** @throws IllegalArgumentException if {@code other} is another device, naming both */
    void requireSame(String op, Device other) {
        if (this != other) {
            throw new IllegalArgumentException(op + ": one tensor is on " + name + ", another on " + other.name
                + (name.equals(other.name) ? " opened a second time" : "") + ": move one with tensor.to(device)");
        }
    }

    /** Frees everything this device owns; what belongs to scopes that are open, when these close. Idempotent. */
    @Override
    public void close() {
        lock.lock();
        try {
            if (closed) {
                return;
            }
            closed = true;
            executables.clear();
            root.close();
            driver.close();
        } finally {
            lock.unlock();
        }
    }

    @Override
    public String toString() {
        return name + " (" + driver.description() + ")";
    }
}
