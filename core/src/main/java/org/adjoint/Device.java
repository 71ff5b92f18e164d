package org.adjoint;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.ref.Reference;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.adjoint.backend.Buffer;
import org.adjoint.backend.DeviceDriver;
import org.adjoint.backend.DeviceReport;
import org.adjoint.backend.DeviceUnavailableException;
import org.adjoint.backend.Executable;
import org.adjoint.backend.OutOfDeviceMemoryException;
import org.adjoint.graph.DType;
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
public final class Device implements CreationMethods, AutoCloseable {
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

    Device(String name, DeviceDriver driver) {
        this.name = name;
        this.driver = driver;
        this.random = new RandomState(this);
    }

    /** Opens the best usable device: a GPU if there is one, else the CPU. Says once why it is not the GPU. */
    public static Device open() {
        return Discovery.openBest();
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
     * @throws IllegalArgumentException if what follows the name's colon is no number, or for options that the backend
     *     does not know
     * @throws DeviceUnavailableException if it can't be used, listing what was tried; never another device instead
     */
    public static Device open(String name, Map<String, String> options) {
        return Discovery.open(name, options);
    }

    /** Every device of every backend, usable or not, best first. */
    public static List<DeviceReport> list() {
        return Discovery.list();
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

    /** Random numbers of this device, whose state is a variable like any other. */
    public RandomState random() {
        return random;
    }

    /** State named {@code name} that starts as {@code initial}. */
    public Variable variable(String name, Tensor initial) {
        Objects.requireNonNull(name, "name");
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
        Objects.requireNonNull(name, "name");
        Objects.requireNonNull(filler, "filler");
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

    /** A tensor that a node without operands gives. */
    Tensor lazy(String name, Supplier<Node> node) {
        requireOpen();
        return new Tensor(this, Words.of(name, node), Trace.current());
    }

    /** A tensor of these values, in memory of its own. */
    Tensor upload(DType dtype, Shape shape, MemorySegment values) {
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
        return Debug.isDetecting() ? CheckedRun.compute(this, nodes, owners, Map.of())
            : computeUnchecked(nodes, owners);
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
        throw new IllegalStateException(
            reader + ": a tensor " + leaf.type() + " of a traced function was used outside of it");
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
