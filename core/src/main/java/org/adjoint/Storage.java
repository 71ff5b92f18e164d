package org.adjoint;

import java.lang.ref.Cleaner;
import java.util.concurrent.atomic.AtomicBoolean;
import org.adjoint.backend.Buffer;
import org.adjoint.graph.TensorType;

/** A computed value: memory of one device, owned by a scope until it is moved or freed. What nodes hold as their value. */
final class Storage {
    private static final Cleaner CLEANER = Cleaner.create();

    /** What outlives the storage object until the memory is freed, by whichever of scope, handle or cleaner comes first. */
    static final class Resource implements Runnable {
        private final Buffer buffer;
        private final AtomicBoolean freed = new AtomicBoolean();
        private final TensorType type;
        private final Throwable allocationSite;
        private volatile Scope owner;

        private Resource(Buffer buffer, TensorType type, Scope owner) {
            this.buffer = buffer;
            this.type = type;
            this.owner = owner;
            this.allocationSite = Scope.TRACK_ALLOCATION_SITES ? new Throwable("allocated here") : null;
        }

        /** Frees the memory; only the first call does anything. */
        @Override
        public void run() {
            if (freed.compareAndSet(false, true)) {
                owner.forget(this);
                buffer.close();
            }
        }

        TensorType type() {
            return type;
        }

        /** Where it was allocated, or null unless sites are tracked. */
        Throwable allocationSite() {
            return allocationSite;
        }

        void moveTo(Scope target) {
            if (freed.get() || owner == target) {
                return;
            }
            owner.forget(this);
            owner = target;
            target.own(this);
        }
    }

    private final Device device;
    private final Resource resource;
    private volatile boolean heldByVariable;
    /** Of a variable's value: the widest scope of the tensors that read it, or null. */
    private Scope readers;

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
            throw new IllegalStateException(reader + ": a tensor " + resource.type + " that is needed here was closed, or "
                + "the scope it belongs to was: realize what depends on it first, or keep it in an outer scope");
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
        resource.moveTo(scope);
    }

    /** Lets the value live at least as long as {@code scope}. */
    synchronized void keepIn(Scope scope) {
        if (heldByVariable) {
            readers = readers == null || readers.isClosed() ? scope : Scope.wider(readers, scope);
        } else {
            resource.moveTo(Scope.wider(resource.owner, scope));
        }
    }

    /** From here on it is the value of a variable. */
    synchronized void hold() {
        heldByVariable = true;
    }

    /** No variable holds it any more: it belongs to the tensors that read it. */
    synchronized void leaveToReaders() {
        heldByVariable = false;
        resource.moveTo(readers == null || readers.isClosed() ? device.root() : readers);
    }
}
