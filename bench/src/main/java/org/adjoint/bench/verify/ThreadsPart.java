package org.adjoint.bench.verify;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.adjoint.Device;
import org.adjoint.contract.ThreadsCheck;

/** Several threads that use the device at once. */
record ThreadsPart(Supplier<Device> device, int threads, long operations) implements Part {
    /** Few, for a card has to compile the kernels of each. */
    private static final int STRUCTURES = 20;

    /** Enough operations to meet each other often. */
    static ThreadsPart of(Supplier<Device> device) {
        return new ThreadsPart(device, 8, 100_000);
    }

    @Override
    public String name() {
        return "threads";
    }

    @Override
    public List<Item> items() {
        return List.of(new Item(threads + " threads", this::check));
    }

    /** The kernels are the same whoever launches them. */
    @Override
    public List<Item> rehearsals() {
        return new ThreadsPart(device, 1, operations / threads).items();
    }

    private Map<String, Object> check() throws InterruptedException {
        ThreadsCheck check = ThreadsCheck.on(device.get()).threads(threads).operations(operations)
            .structures(STRUCTURES);
        List<String> failures = check.run();
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("passed", failures.isEmpty());
        fields.put("operations", check.done());
        if (!failures.isEmpty()) {
            fields.put("failures", failures);
        }
        return fields;
    }
}
