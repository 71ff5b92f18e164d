package org.adjoint;

import java.lang.foreign.MemorySegment;
import java.lang.ref.WeakReference;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.Supplier;
import org.adjoint.backend.Buffer;
import org.adjoint.graph.DType;
import org.adjoint.graph.Node;
import org.adjoint.graph.Ops;
import org.adjoint.graph.Shape;
import org.adjoint.graph.TensorType;

/**
 * State that outlives a computation: a parameter, a moment, a counter. Its shape and dtype are fixed, its value is
 * replaced by {@link #assign}. Program order always wins: a tensor read before an assignment keeps the old value, one
 * read after it sees the new one, in eager code and in a traced function alike.
 *
 * <p>Several threads may read a variable, and run steps that assign it, at once: each sees one version or another,
 * never parts of two. Eager assignments are for one thread at a time: of two, one is lost.
 */
public final class Variable implements Differentiable, AutoCloseable {
    private final Device device;
    private final String name;
    private final TensorType type;
    private Storage storage;
    private Scope scope;
    /** The leaf that stands for the present value in eager graphs; gone when no graph holds it. */
    private WeakReference<Node> reading = new WeakReference<>(null);
    private final List<WeakReference<Node>> olderReads = new ArrayList<>();

    Variable(Device device, String name, TensorType type, Storage storage, Scope scope) {
        this.device = device;
        this.name = name;
        this.type = type;
        this.scope = scope;
        adopt(storage);
        storage.moveTo(scope);
    }

    private void adopt(Storage fresh) {
        storage = fresh;
        fresh.hold();
    }

    public Device device() {
        return device;
    }

    public String name() {
        return name;
    }

    public TensorType type() {
        return type;
    }

    public Shape shape() {
        return type.shape();
    }

    public DType dtype() {
        return type.dtype();
    }

    /** The value at this point of the program; later assignments do not change the tensor. */
    @Override
    public Tensor tensor() {
        Trace trace = Trace.current();
        requireOpen("read");
        if (trace != null) {
            device.requireSame("variable " + name, trace.device());
            return new Tensor(device, trace.read(this), trace);
        }
        // The handle exists before another thread can replace the value: it keeps the memory.
        return betweenRuns(() -> new Tensor(device, eagerRead(), null));
    }

    /** The leaf that stands for the present value in eager code, for a function that is traced now. */
    Node tracedRead() {
        return betweenRuns(() -> {
            Node node = eagerRead();
            Uses.of(node).setRead();
            return node;
        });
    }

    /** The leaf that stands for the present value in eager code. */
    private Node eagerRead() {
        return betweenRuns(() -> {
            Node node = reading.get();
            if (node == null) {
                node = Ops.leaf(type);
                node.bind(storage);
                reading = new WeakReference<>(node);
                Uses.of(node).setVariable(this);
            }
            storage.keepIn(device.currentScope());
            return node;
        });
    }

    /** Looks at the value while no other thread's run overwrites it in place: before such a run, or after it. */
    private <T> T betweenRuns(Supplier<T> look) {
        device.lock().lock();
        try {
            synchronized (this) {
                return look.get();
            }
        } finally {
            device.lock().unlock();
        }
    }

    /**
     * Replaces the value: at once in eager code; in a traced function, when a run of the step ends, while reads that
     * follow in the function see the new value.
     *
     * @throws IllegalArgumentException if shape or dtype differ
     */
    public void assign(Tensor value) {
        assign(List.of(this), List.of(Objects.requireNonNull(value, "value")));
    }

    /** Replaces several values as one: all are computed from what the variables held before. */
    public static void assign(List<Variable> variables, List<Tensor> values) {
        if (variables.size() != values.size()) {
            throw new IllegalArgumentException("assign: " + variables.size() + " variables but " + values.size()
                + " values");
        }
        if (variables.isEmpty()) {
            return;
        }
        Device device = variables.getFirst().device;
        List<Node> nodes = new ArrayList<>();
        for (int i = 0; i < variables.size(); i++) {
            Variable variable = variables.get(i);
            variable.requireOpen("assign");
            device.requireSame("assign to variable " + variable.name, variable.device);
            Node node = values.get(i).operand("assign");
            device.requireSame("assign to variable " + variable.name, values.get(i).device());
            if (!node.type().equals(variable.type)) {
                throw new IllegalArgumentException("assign: variable '" + variable.name + "' is " + variable.type
                    + " but the value is " + node.type());
            }
            Mapping.requireShared(variable, node);
            nodes.add(node);
        }
        Trace trace = Trace.current();
        if (trace != null) {
            for (int i = 0; i < nodes.size(); i++) {
                trace.assign(variables.get(i), nodes.get(i));
            }
            return;
        }
        // Fresh memory for each value: readers of the old one keep it, and nothing has to be copied.
        List<Storage> fresh = device.compute(nodes, variables.stream().map(variable -> variable.scope).toList());
        for (int i = 0; i < fresh.size(); i++) {
            variables.get(i).replace(fresh.get(i));
        }
    }

    synchronized void replace(Storage fresh) {
        release();
        adopt(fresh);
    }

    /** Leaves the present memory to the tensors that read it, if there are any, or frees it. */
    private void release() {
        Node node = reading.get();
        if (node == null || Uses.isForgotten(node)) {
            storage.free();
        } else {
            storage.leaveToReaders();
            olderReads.removeIf(reference -> reference.get() == null);
            olderReads.add(reading);
        }
        reading = new WeakReference<>(null);
    }

    /**
     * Copies the present value, in its dtype, in row-major order and the host's byte order.
     *
     * @throws IllegalArgumentException if the segment is not exactly as long as the value
     */
    public void copyTo(MemorySegment target) {
        device.requireNoTrace("copyTo");
        requireOpen("copyTo");
        Transfers.requireWritable("copyTo", target);
        if (target.byteSize() != type.bytes()) {
            throw new IllegalArgumentException("copyTo: variable '" + name + "' is " + type + " and takes "
                + type.bytes() + " bytes, not " + target.byteSize());
        }
        betweenRuns(() -> {
            device.read(storage, target);
            return null;
        });
    }

    /** Where its value lives. */
    Scope scope() {
        return scope;
    }

    /** The present value. */
    synchronized Storage present() {
        requireOpen("run");
        return storage;
    }

    /** The memory for a run that reads the value. */
    synchronized Buffer bufferToRead() {
        requireOpen("run");
        return storage.buffer("variable " + name);
    }

    /** The memory for a run that overwrites the value in place: a copy, if a tensor still reads the present one. */
    synchronized Buffer bufferToWrite() {
        requireOpen("run");
        Node read = reading.get();
        if (read != null && !Uses.isForgotten(read)) {
            Storage copy = device.copy(storage, type, scope);
            release();
            adopt(copy);
        }
        return storage.buffer("variable " + name);
    }

    /** Reads of earlier values that some graph still holds: in this trace, or in eager code. */
    synchronized List<Node> olderReads() {
        Trace trace = Trace.compiled();
        return trace != null ? trace.olderReads(this) : olderEagerReads();
    }

    /** Eager reads that some graph still holds, whose values are constants to a trace. */
    synchronized List<Node> eagerReads() {
        List<Node> reads = new ArrayList<>(olderEagerReads());
        Node present = reading.get();
        if (present != null) {
            reads.add(present);
        }
        return reads;
    }

    private List<Node> olderEagerReads() {
        return olderReads.stream().map(WeakReference::get).filter(java.util.Objects::nonNull).toList();
    }

    synchronized void moveTo(Scope target) {
        requireOpen("keep");
        scope = Scope.wider(scope, target);
        storage.moveTo(scope);
    }

    private void requireOpen(String action) {
        if (storage.isFreed()) {
            throw new IllegalStateException(action + ": variable '" + name + "' is closed, or the scope it belongs "
                + "to is");
        }
    }

    /** Frees its memory. Idempotent. */
    @Override
    public synchronized void close() {
        storage.free();
    }

    @Override
    public String toString() {
        return "variable " + name + " " + type;
    }
}
