package org.adjoint;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * Owns the tensors and variables that its thread makes while it is the innermost one, and frees them when it closes:
 *
 * <pre>{@code
 * try (var scope = device.scope()) {
 *     var loss = net.forward(x).mean();
 *     total = scope.keep(loss);        // survives, in the scope around this one
 * }
 * }</pre>
 *
 * Scopes of one device nest per thread and close in reverse order. Memory outside any scope belongs to the device; it
 * is freed by closing its tensor, or when the garbage collector finds that nothing refers to it, or with the device.
 */
public final class Scope implements AutoCloseable {
    /** System property {@code adjoint.leaks=true}: remember where tensors were allocated, for {@link Device#leaks}. */
    static final boolean TRACK_ALLOCATION_SITES = Boolean.getBoolean("adjoint.leaks");

    private final Device device;
    private final Scope parent;
    private final Thread thread;
    private final Set<Storage.Resource> resources = Collections.synchronizedSet(new LinkedHashSet<>());
    private volatile boolean closed;

    Scope(Device device, Scope parent, Thread thread) {
        this.device = device;
        this.parent = parent;
        this.thread = thread;
    }

    boolean isClosed() {
        return closed;
    }

    /** Whether {@code other} is this scope or lies within it. */
    boolean encloses(Scope other) {
        for (Scope scope = other; scope != null; scope = scope.parent) {
            if (scope == this) {
                return true;
            }
        }
        return false;
    }

    /** The one of two scopes that closes later; the device's own where neither lies within the other. */
    static Scope wider(Scope a, Scope b) {
        return a.encloses(b) ? a : b.encloses(a) ? b : a.device.root();
    }

    /** Scopes of which none lies within another, and one more: those that close last of all of them. */
    static List<Scope> with(List<Scope> scopes, Scope scope) {
        if (scopes.stream().anyMatch(other -> other.encloses(scope))) {
            return scopes;
        }
        List<Scope> widest = new ArrayList<>(scopes);
        widest.removeIf(scope::encloses);
        widest.add(scope);
        return List.copyOf(widest);
    }

    void own(Storage.Resource resource) {
        resources.add(resource);
        if (closed) {
            resource.leave(this);
        }
    }

    void forget(Storage.Resource resource) {
        resources.remove(resource);
    }

    List<Storage.Resource> resources() {
        synchronized (resources) {
            return new ArrayList<>(resources);
        }
    }

    /**
     * Moves a tensor, computed now if it was not yet, to the scope around this one. What belongs there already, or
     * further out, stays where it is.
     *
     * @return a handle that belongs there; the old one is closed
     */
    public Tensor keep(Tensor tensor) {
        requireOpen("keep");
        return tensor.moveTo(parent);
    }

    /** Moves a variable to the scope around this one, unless it belongs further out already. */
    public Variable keep(Variable variable) {
        requireOpen("keep");
        variable.moveTo(parent);
        return variable;
    }

    private void requireOpen(String method) {
        if (closed) {
            throw new IllegalStateException("scope." + method + ": this scope is closed");
        }
    }

    /**
     * Frees everything this scope owns; its handles are closed. Idempotent.
     *
     * @throws IllegalStateException if called by another thread, or before the scopes inside it are closed
     */
    @Override
    public void close() {
        if (closed) {
            return;
        }
        if (thread != null && thread != Thread.currentThread()) {
            throw new IllegalStateException("scope.close: it belongs to " + thread.getName() + ", not to "
                + Thread.currentThread().getName());
        }
        device.leave(this, parent);
        closed = true;
        resources().forEach(resource -> resource.leave(this));
    }
}
