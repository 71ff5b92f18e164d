package org.adjoint.graph;

import java.util.List;
import java.util.concurrent.atomic.AtomicLong;

/**
 * One application of an {@link Op}: what is computed, from which nodes. Born in {@link Ops} alone; immutable, but for
 * two things that never change what it means: the {@linkplain #bind value} that a runtime attaches once it is
 * computed, and its history, which may be {@linkplain #forgetHistory forgotten} then.
 *
 * <p>An operation with several results is one node plus one {@link Op.Project} node per result.
 */
public final class Node {
    private static final AtomicLong NEXT_ID = new AtomicLong();

    /** Replaced as one when history is forgotten, so that readers on other threads never see half of it. */
    private record Definition(Op op, List<Node> inputs, int depth) { }

    private final long id = NEXT_ID.getAndIncrement();
    private final List<TensorType> types;
    private final List<Node> projections;
    private final Origin origin = Origin.current();
    private volatile Definition definition;
    private volatile Object value;
    private volatile Object attachment;

    Node(Op op, List<TensorType> types, List<Node> inputs) {
        this.types = types;
        int depth = 0;
        for (Node input : inputs) {
            depth = Math.max(depth, input.depth());
        }
        this.definition = new Definition(op, List.copyOf(inputs), inputs.isEmpty() ? 0 : depth + 1);
        this.projections = types.size() > 1 ? project() : List.of();
    }

    private List<Node> project() {
        Node[] nodes = new Node[types.size()];
        for (int i = 0; i < nodes.length; i++) {
            nodes[i] = new Node(new Op.Project(i), List.of(types.get(i)), List.of(this));
        }
        return List.of(nodes);
    }

    /** Increases with birth, so inputs have smaller ids than the nodes that read them. */
    public long id() {
        return id;
    }

    /** Where it was recorded, or null if nobody asked for that then. */
    public Origin origin() {
        return origin;
    }

    public Op op() {
        return definition.op();
    }

    public List<Node> inputs() {
        return definition.inputs();
    }

    public Node input(int index) {
        return definition.inputs().get(index);
    }

    /** Length of the longest chain of unforgotten, uncomputed nodes that ends here. */
    public int depth() {
        return value != null ? 0 : definition.depth();
    }

    /** The types of all results, one for most operations. */
    public List<TensorType> types() {
        return types;
    }

    /** The type of the only result. */
    public TensorType type() {
        if (types.size() != 1) {
            throw new IllegalStateException(op().name() + " has " + types.size() + " results: read one by output(i)");
        }
        return types.getFirst();
    }

    public Shape shape() {
        return type().shape();
    }

    public DType dtype() {
        return type().dtype();
    }

    /** Result {@code index} as a node of its own; this node where it has one result. */
    public Node output(int index) {
        return projections.isEmpty() && index == 0 ? this : projections.get(index);
    }

    /** What {@link #bind} attached, or null. */
    public Object value() {
        return value;
    }

    /**
     * Attaches the computed value, whose class only the runtime knows.
     *
     * @return whether it is the first one, which stays: a node is computed once
     */
    public boolean bind(Object computed) {
        synchronized (this) {
            if (value != null) {
                return false;
            }
            value = computed;
            return true;
        }
    }

    /** What {@link #attach} left here, or null: a runtime's own notes on who uses this node. */
    public Object attachment() {
        return attachment;
    }

    /** Attaches notes unless there are some, and returns those that are attached then. */
    public Object attach(Object notes) {
        synchronized (this) {
            if (attachment == null) {
                attachment = notes;
            }
            return attachment;
        }
    }

    /** Turns a computed node into a leaf, so that what it was computed from can be freed. */
    public void forgetHistory() {
        if (value == null) {
            throw new IllegalStateException(op().name() + " has no value yet: its history is all there is");
        }
        definition = new Definition(new Op.Leaf(), List.of(), 0);
    }

    @Override
    public String toString() {
        return op().name() + types;
    }
}
