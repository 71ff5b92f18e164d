package org.adjoint;

import java.lang.ref.Cleaner;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.adjoint.backend.Buffer;
import org.adjoint.graph.TensorType;

/** A computed value: memory of one device, owned by scopes until it is moved or freed. It is what nodes hold. */
final class Storage {
    private static final Cleaner CLEANER = Cleaner.create();

    /** What outlives the storage object until the memory is freed: by a scope, by a handle or by the cleaner. */
    static final class Resource implements Runnable {
        private final Buffer buffer;
        private final AtomicBoolean freed = new AtomicBoolean();
        private final TensorType type;
        private final Throwable allocationSite;
        /** None of them within another: scopes of several threads, or a single one. */
        private List<Scope> owners;

        private Resource(Buffer buffer, TensorType type, Scope owner) {
            this.buffer = buffer;
            this.type = type;
            this.owners = List.of(owner);
            this.allocationSite = Scope.TRACK_ALLOCATION_SITES ? new Throwable("allocated here") : null;
        }

        /** Frees the memory; only the first call does anything. */
        @Override
        public void run() {
            if (freed.compareAndSet(false, true)) {
                setOwners(List.of());
                buffer.close();
            }
        }

        /** Leaves a scope that closes; the last one frees the memory. */
        void leave(Scope owner) {
            boolean last;
            synchronized (this) {
                setOwners(owners.stream().filter(scope -> scope != owner).toList());
                last = owners.isEmpty();
            }
            if (last) {
                run();
            }
        }

        TensorType type() {
            return type;
        }

        /** Where it was allocated, or null unless sites are tracked. */
        Throwable allocationSite() {
            return allocationSite;
        }

        synchronized void setOwners(List<Scope> scopes) {
            List<Scope> before = owners;
            owners = freed.get() ? List.of() : scopes;
            before.stream().filter(scope -> !owners.contains(scope)).forEach(scope -> scope.forget(this));
            owners.stream().filter(scope -> !before.contains(scope)).forEach(scope -> scope.own(this));
        }

        synchronized void addOwner(Scope scope) {
            setOwners(Scope.with(owners, scope));
        }
    }

    private final Device device;
    private final Resource resource;
    private volatile boolean heldByVariable;
    /** Of a variable's value: the widest scopes of the tensors that read it. */
    private List<Scope> readers = List.of();

    Storage(Device device, Buffer buffer, TensorType type, Scope owner) {
        this.device = device;
        this.resource = new Resource(buffer, type, owner);
        owner.own(resource);
        CLEANER.register(this, resource);
    }

    Device device() {
        return device;
    }

    boolean isFreed() {
        return resource.freed.get();
    }

    /** @throws IllegalStateException if it was freed, naming what it is to {@code reader} */
    Buffer buffer(String reader) {
        if (isFreed()) {
            throw new IllegalStateException(reader + ": a tensor " + resource.type + " that is needed here was "
                + "closed, or the scope it belongs to was: realize what depends on it first, or keep it in an outer scope");
        }
        return resource.buffer;
    }

    void free() {
        resource.run();
    }

    /** Frees the memory unless it is a variable's present value, which handles only read. */
    void freeUnlessHeld() {
        if (!heldByVariable) {
            free();
        }
    }

    void moveTo(Scope scope) {
        resource.setOwners(List.of(scope));
    }

    /** Lets the value live at least as long as {@code scope}. */
    synchronized void keepIn(Scope scope) {
        if (heldByVariable) {
            readers = Scope.with(open(readers), scope);
        } else {
            resource.addOwner(scope);
        }
    }

    private static List<Scope> open(List<Scope> scopes) {
        List<Scope> open = new ArrayList<>(scopes);
        open.removeIf(Scope::isClosed);
        return open;
    }

    /** From here on it is the value of a variable. */
    synchronized void hold() {
        heldByVariable = true;
    }

    /** No variable holds it any more: it belongs to the tensors that read it. */
    synchronized void leaveToReaders() {
        heldByVariable = false;
        // Where all have closed, a computed tensor may still lead back to it: a gradient of that one may need it.
        List<Scope> open = open(readers);
        resource.setOwners(open.isEmpty() ? List.of(device.root()) : open);
    }
}
