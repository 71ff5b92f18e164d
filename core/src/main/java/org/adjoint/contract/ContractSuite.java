package org.adjoint.contract;

import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import org.adjoint.Device;
import org.adjoint.graph.DType;

/**
 * What every backend must pass: each sample of each operation, on the device against the reference; analytic gradients
 * in {@code F64} on the reference against differences; gradients in each dtype on the device against those; and
 * arguments that must be refused.
 *
 * <pre>{@code
 * try (Device device = Device.open("cpu")) {
 *     ContractSuite.on(device).run(System.out::println);
 * }
 * }</pre>
 */
public final class ContractSuite {
    private final Device device;
    private Set<DType> dtypes = EnumSet.allOf(DType.class);
    private Predicate<String> ops = name -> true;
    private boolean differences = true;

    private ContractSuite(Device device) {
        this.device = device;
    }

    public static ContractSuite on(Device device) {
        return new ContractSuite(device);
    }

    /** Names of the operations that there are samples of, in the order of the table. */
    public static List<String> operations() {
        return OpSamples.ROWS.stream().map(OpRow::name).toList();
    }

    /** Tests these dtypes alone. */
    public ContractSuite dtypes(Set<DType> dtypes) {
        this.dtypes = Set.copyOf(dtypes);
        return this;
    }

    /** Tests these operations alone. */
    public ContractSuite ops(Predicate<String> ops) {
        this.ops = ops;
        return this;
    }

    /** Leaves out the differences: they test the reference's gradients, whatever the device. */
    public ContractSuite withoutDifferences() {
        this.differences = false;
        return this;
    }

    private record Task(OpRow row, DType dtype) { }

    /**
     * Runs a suite in several threads, each with a device of its own.
     *
     * @param open opens a device
     * @param chosen leaves out what is not to be tested
     * @return one result for each operation and dtype, in no particular order
     */
    public static List<OpResult> runInThreads(int threads, Supplier<Device> open, UnaryOperator<ContractSuite> chosen) {
        Queue<Task> tasks = new ConcurrentLinkedQueue<>();
        OpSamples.ROWS.forEach(row -> row.dtypes().forEach(dtype -> tasks.add(new Task(row, dtype))));
        return Workers.run(threads, open, device -> {
            ContractSuite suite = chosen.apply(on(device));
            List<OpResult> results = new ArrayList<>();
            try (Device reference = Device.open("reference")) {
                for (Task task = tasks.poll(); task != null; task = tasks.poll()) {
                    if (suite.ops.test(task.row.name()) && suite.dtypes.contains(task.dtype)) {
                        results.add(new RowRun(task.row, task.dtype, device, reference, suite.differences).run());
                    }
                }
            }
            return results;
        });
    }

    /**
     * Runs the suite.
     *
     * @param progress told of each result as it comes
     * @return one result for each operation and dtype
     */
    public List<OpResult> run(Consumer<OpResult> progress) {
        List<OpResult> results = new ArrayList<>();
        try (Device reference = Device.open("reference")) {
            for (OpRow row : OpSamples.ROWS) {
                if (!ops.test(row.name())) {
                    continue;
                }
                for (DType dtype : DType.values()) {
                    if (dtypes.contains(dtype) && row.dtypes().contains(dtype)) {
                        OpResult result = new RowRun(row, dtype, device, reference, differences).run();
                        results.add(result);
                        progress.accept(result);
                    }
                }
            }
        }
        return results;
    }
}
