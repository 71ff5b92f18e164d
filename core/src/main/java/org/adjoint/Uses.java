package org.adjoint;

import java.lang.ref.WeakReference;
import java.util.ArrayList;
import java.util.List;
import org.adjoint.graph.Node;

/** Who still uses a node, as far as the garbage collector knows: handles that name it, nodes built on it. */
final class Uses {
    private final List<WeakReference<Tensor>> handles = new ArrayList<>(1);
    private final List<WeakReference<Node>> readers = new ArrayList<>(2);
    private int pruneHandlesAt = 16;
    private int pruneReadersAt = 16;
    /** Whether a graph may lead to the node: something was built on it, or a traced function holds it. */
    private boolean wasRead;
    /** Whether the node stands for one example of many; see {@link Mapping}. */
    private volatile boolean placeholder;
    /** The variable that the node is a read of, or null. */
    private WeakReference<Variable> variable;

    static Uses of(Node node) {
        Object uses = node.attachment();
        return (Uses) (uses != null ? uses : node.attach(new Uses()));
    }

    synchronized void addHandle(Tensor handle) {
        if (handles.size() >= pruneHandlesAt) {
            handles.removeIf(reference -> reference.get() == null);
            pruneHandlesAt = Math.max(16, 2 * handles.size());
        }
        handles.add(new WeakReference<>(handle));
    }

    synchronized void setRead() {
        wasRead = true;
    }

    synchronized void addReader(Node reader) {
        if (readers.size() >= pruneReadersAt) {
            readers.removeIf(reference -> {
                Node node = reference.get();
                return node == null || node.value() != null;
            });
            pruneReadersAt = Math.max(16, 2 * readers.size());
        }
        readers.add(new WeakReference<>(reader));
    }

    synchronized void setVariable(Variable read) {
        variable = new WeakReference<>(read);
    }

    /** The variable that a node is a read of, or null. */
    static Variable variable(Node node) {
        return node.attachment() instanceof Uses uses ? uses.variable() : null;
    }

    private synchronized Variable variable() {
        return variable == null ? null : variable.get();
    }

    void setPlaceholder() {
        placeholder = true;
    }

    static boolean isPlaceholder(Node node) {
        return node.attachment() instanceof Uses uses && uses.placeholder;
    }

    /** Whether somebody can ask for a gradient for this node: by a handle, or by the variable that it is a read of. */
    static boolean isSource(Node node) {
        return isNamed(node)
            || node.attachment() instanceof Uses uses && uses.isOfVariable() && node.dtype().isFloating();
    }

    private synchronized boolean isOfVariable() {
        return variable != null && variable.get() != null;
    }

    /** Whether an open handle names the node. */
    static boolean isNamed(Node node) {
        return node.attachment() instanceof Uses uses && uses.hasOpenHandle();
    }

    private synchronized boolean hasOpenHandle() {
        for (WeakReference<Tensor> reference : handles) {
            Tensor handle = reference.get();
            if (handle != null && !handle.isClosed()) {
                return true;
            }
        }
        return false;
    }

    /** Whether nothing leads to the node any more: no graph ever did, and no open handle names it. */
    static boolean isForgotten(Node node) {
        return node.attachment() instanceof Uses uses && uses.isForgotten();
    }

    private synchronized boolean isForgotten() {
        return !wasRead && !hasOpenHandle();
    }

    /** Where the value of a node belongs: the widest scope of the open handles that name it, or {@code otherwise}. */
    static Scope owner(Node node, Scope otherwise) {
        Scope widest = node.attachment() instanceof Uses uses ? uses.widestScope() : null;
        return widest == null ? otherwise : widest;
    }

    private synchronized Scope widestScope() {
        Scope widest = null;
        for (WeakReference<Tensor> reference : handles) {
            Tensor handle = reference.get();
            if (handle != null && !handle.isClosed()) {
                widest = widest == null ? handle.scope() : Scope.wider(widest, handle.scope());
            }
        }
        return widest;
    }

    /** Live nodes that read this one and are not computed yet. */
    synchronized List<Node> pendingReaders() {
        List<Node> pending = new ArrayList<>();
        for (WeakReference<Node> reference : readers) {
            Node node = reference.get();
            if (node != null && node.value() == null) {
                pending.add(node);
            }
        }
        return pending;
    }
}
