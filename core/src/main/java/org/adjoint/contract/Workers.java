package org.adjoint.contract;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Function;
import java.util.function.Supplier;
import org.adjoint.Device;

/** Threads that share work, each with a device of its own. */
final class Workers {
    private Workers() { }

    /**
     * @param open opens a device
     * @param work takes what is left to do until there is nothing
     * @return what all have done
     */
    static <T> List<T> run(int threads, Supplier<Device> open, Function<Device, List<T>> work) {
        Callable<List<T>> worker = () -> {
            try (Device device = open.get()) {
                return work.apply(device);
            }
        };
        List<T> results = new ArrayList<>();
        try (ExecutorService workers = Executors.newFixedThreadPool(threads)) {
            for (Future<List<T>> done : workers.invokeAll(Collections.nCopies(threads, worker))) {
                results.addAll(done.get());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while others work", e);
        } catch (ExecutionException e) {
            throw new IllegalStateException("a worker broke off", e.getCause());
        }
        return results;
    }
}
