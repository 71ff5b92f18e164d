package org.adjoint.contract;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.adjoint.Device;
import org.adjoint.Scope;
import org.adjoint.Step;
import org.adjoint.Tensor;
import org.adjoint.Variable;
import org.adjoint.graph.DType;

/**
 * Several threads that use one device at once, each doing one thing after another in random order: eager chains, steps
 * that all share, variables of its own and shared ones, tensors that all compute at the same time, random numbers. All
 * values are whole numbers that floats hold exactly, so that every result can be checked.
 *
 * <pre>{@code
 * List<String> failures = ThreadsCheck.on(device).threads(8).operations(100_000).run();
 * }</pre>
 */
public final class ThreadsCheck {
    private static final long PATIENCE_SECONDS = 300;
    /** Elements of a shared variable: enough for a run that overwrites it to take a while. */
    private static final int WIDE = 20_000;
    private static final double LARGEST = 1000;
    private static final int LONG = 1100;

    private final Device device;
    private int threads = 8;
    private long operations = 100_000;
    private int structures = 150;

    private final AtomicLong done = new AtomicLong();
    private final AtomicLong added = new AtomicLong();
    private final List<String> failures = Collections.synchronizedList(new ArrayList<>());
    private volatile Tensor together;
    private CyclicBarrier barrier;
    private Variable counter;
    private Variable first;
    private Variable second;
    private Step count;
    private Step gradient;
    private Step advance;

    private ThreadsCheck(Device device) {
        this.device = device;
    }

    public static ThreadsCheck on(Device device) {
        return new ThreadsCheck(device);
    }

    public ThreadsCheck threads(int threads) {
        this.threads = threads;
        return this;
    }

    /** How many operations to record, in all. */
    public ThreadsCheck operations(long operations) {
        this.operations = operations;
        return this;
    }

    /** Of how many different structures the eager chains are: each is planned once, while the plan is remembered. */
    public ThreadsCheck structures(int structures) {
        this.structures = structures;
        return this;
    }

    /** Operations recorded so far. */
    public long done() {
        return done.get();
    }

    /**
     * Runs it.
     *
     * @return what went wrong; empty if all was right
     * @throws InterruptedException if this thread is interrupted while it waits
     */
    public List<String> run() throws InterruptedException {
        try (Scope scope = device.scope()) {
            counter = device.variable("counter", device.zeros(DType.F32, 3));
            first = device.variable("first", device.zeros(DType.F32, WIDE));
            second = device.variable("second", device.zeros(DType.F32, WIDE));
            count = Step.compile(device, x -> {
                counter.assign(counter.tensor().add(x));
                return counter.tensor().sum();
            });
            gradient = Step.compile(device, (x, y) -> x.mul(y).mul(x).sum().gradient(x));
            advance = Step.compile(device, () -> {
                Tensor next = second.tensor().add(1);
                first.assign(next);
                second.assign(first.tensor().maximum(next));
                return next.max();
            });
            try {
                runThreads();
            } finally {
                List.of(count, gradient, advance).forEach(Step::close);
            }
            check("counter", counter.tensor().toDoubleArray(), filled(3, added.get()));
        }
        return List.copyOf(failures);
    }

    private void runThreads() throws InterruptedException {
        barrier = new CyclicBarrier(threads, () -> together = device.arange(DType.F32, 99).mul(2).flip(0).add(1));
        CountDownLatch running = new CountDownLatch(threads);
        List<Thread> all = new ArrayList<>();
        for (int i = 0; i < threads; i++) {
            int number = i;
            all.add(Thread.ofPlatform().daemon().name("adjoint-check-" + i).start(() -> {
                try (Scope scope = device.scope()) {
                    work(number);
                } catch (Throwable e) {
                    failures.add(Thread.currentThread().getName() + " died of " + e);
                    barrier.reset();
                } finally {
                    running.countDown();
                }
            }));
        }
        if (!running.await(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
            for (Thread thread : all) {
                if (thread.isAlive()) {
                    failures.add(thread.getName() + " hangs at " + Arrays.toString(thread.getStackTrace()));
                }
            }
        }
    }

    private void work(int number) throws Exception {
        SplittableRandom random = new SplittableRandom(number);
        Variable own = device.variable("own " + number, device.zeros(DType.F32, 4));
        Step train = Step.compile(device, x -> {
            own.assign(own.tensor().mul(2).sub(x).clamp(-LARGEST, LARGEST));
            return own.tensor();
        });
        double[] state = new double[4];
        double seen = 0;
        long share = operations / threads;
        long mine = 0;
        while (mine < share) {
            try (Scope scope = device.scope()) {
                long recorded = switch (random.nextInt(6)) {
                    case 0 -> chain(random);
                    case 1 -> random.nextInt(20) == 0 ? longChain(random) : chain(random);
                    case 2 -> countUp(random);
                    case 3 -> differentiate(random);
                    case 4 -> ownState(own, train, state, random);
                    default -> {
                        seen = sharedState(seen);
                        yield 8;
                    }
                };
                mine += recorded;
                done.addAndGet(recorded);
            }
        }
        for (int round = 0; round < 20; round++) {
            barrier.await(PATIENCE_SECONDS, TimeUnit.SECONDS);
            computeTogether();
        }
        // What the threads share belongs to one of them.
        barrier.await(PATIENCE_SECONDS, TimeUnit.SECONDS);
        train.close();
    }

    private void check(String what, double[] actual, double[] expected) {
        int at = Arrays.mismatch(actual, expected);
        if (at >= 0) {
            failures.add(Thread.currentThread().getName() + ": of " + what + ", element " + at + " of " + actual.length
                + " is " + actual[at] + ", not " + expected[at]);
        }
    }

    private static double[] filled(int length, double value) {
        double[] values = new double[length];
        Arrays.fill(values, value);
        return values;
    }

    private Tensor upload(double[] values) {
        float[] floats = new float[values.length];
        for (int i = 0; i < floats.length; i++) {
            floats[i] = (float) values[i];
        }
        return device.tensor(floats, floats.length);
    }

    /** A chain of operations of one of a number of structures, on new values, computed when it ends. */
    private long chain(SplittableRandom random) {
        SplittableRandom structure = new SplittableRandom(random.nextInt(structures));
        double[] expected = new double[1 + structure.nextInt(60)];
        Arrays.setAll(expected, i -> random.nextInt(-9, 10));
        Tensor x = upload(expected);
        int length = 2 + structure.nextInt(12);
        for (int i = 0; i < length; i++) {
            int number = random.nextInt(1, 5);
            if (random.nextInt(8) > 0) {
                x = link(structure.nextInt(9), number, x, expected);
            } else {
                try (Scope scope = device.scope()) {
                    x = scope.keep(link(structure.nextInt(9), number, x, expected));
                }
            }
        }
        check("a chain", x.toDoubleArray(), expected);
        return length;
    }

    /** Longer than what is left uncomputed: parts of it are computed, and their history forgotten, on the way. */
    private long longChain(SplittableRandom random) {
        double[] expected = {random.nextInt(9), random.nextInt(9)};
        Tensor x = upload(expected);
        for (int i = 0; i < LONG; i++) {
            x = x.add(1);
        }
        check("a long chain", x.toDoubleArray(), new double[] {expected[0] + LONG, expected[1] + LONG});
        return LONG;
    }

    /** One operation, on a tensor and on the values it is to have. */
    private static Tensor link(int kind, double number, Tensor x, double[] values) {
        double[] before = values.clone();
        int n = values.length;
        switch (kind) {
            case 0 -> Arrays.setAll(values, i -> before[i] + number);
            case 1 -> Arrays.setAll(values, i -> -before[i]);
            case 2 -> Arrays.setAll(values, i -> Math.clamp(before[i] * 3, -LARGEST, LARGEST));
            case 3 -> Arrays.setAll(values, i -> before[n - 1 - i]);
            case 4 -> Arrays.setAll(values, i -> before[i] - Arrays.stream(before).max().orElseThrow());
            case 5 -> Arrays.sort(values);
            case 6 -> Arrays.setAll(values, i -> before[i] > number ? before[i] : number);
            case 7 -> Arrays.setAll(values, i -> before[i * 7 % n]);
            default -> Arrays.setAll(values, i -> Math.max(before[i] + before[(i + 1) % n], -LARGEST));
        }
        for (int i = 0; i < n; i++) {
            // No negative zeros, which the tensor has and the comparison tells apart.
            values[i] += 0.0;
        }
        Tensor result = switch (kind) {
            case 0 -> x.add(number);
            case 1 -> x.neg();
            case 2 -> x.mul(3).clamp(-LARGEST, LARGEST);
            case 3 -> x.flip(0);
            case 4 -> x.sub(x.max());
            case 5 -> x.sort(0);
            case 6 -> x.greaterThan(number).where(x, x.device().full(DType.F32, number, n));
            case 7 -> x.gather(0, x.device().arange(DType.I64, n).mul(7).remainder(n));
            default -> x.add(Tensor.concat(0, List.of(x.slice(0, 1, n), x.slice(0, 0, 1)))).maximum(-LARGEST);
        };
        return result.add(0);
    }

    /** A step that all share adds to a variable that all share: no addition is lost. */
    private long countUp(SplittableRandom random) {
        int number = random.nextInt(1, 4);
        long before = added.get();
        double sum = count.run(upload(filled(3, number))).item();
        added.addAndGet(number);
        if (sum < 3 * (before + number)) {
            failures.add("the counter went back to " + sum + " from " + before);
        }
        return 3;
    }

    private long differentiate(SplittableRandom random) {
        double[] x = new double[1 + random.nextInt(3)];
        Arrays.setAll(x, i -> random.nextInt(-9, 10));
        double[] y = x.clone();
        Arrays.setAll(y, i -> random.nextInt(1, 10));
        double[] expected = new double[x.length];
        Arrays.setAll(expected, i -> 2 * x[i] * y[i] + 0.0);
        check("a gradient", gradient.run(upload(x), upload(y)).add(0).toDoubleArray(), expected);
        return 9;
    }

    /** A variable of this thread, assigned by a step and by eager code in turn, read before and after. */
    private long ownState(Variable own, Step train, double[] state, SplittableRandom random) {
        double[] x = new double[state.length];
        Arrays.setAll(x, i -> random.nextInt(-3, 4));
        Tensor before = own.tensor();
        Tensor later = before.add(1);
        double[] old = state.clone();
        if (random.nextBoolean()) {
            train.run(upload(x)).close();
            Arrays.setAll(state, i -> Math.clamp(2 * old[i] - x[i], -LARGEST, LARGEST));
        } else {
            own.assign(own.tensor().neg().add(upload(x)));
            Arrays.setAll(state, i -> x[i] - old[i]);
        }
        check("a variable", own.tensor().add(0).toDoubleArray(), state);
        check("a variable as it was", before.add(0).toDoubleArray(), old);
        Arrays.setAll(old, i -> old[i] + 1);
        check("what was built on a variable", later.toDoubleArray(), old);
        return 8;
    }

    /** Variables that all threads' steps overwrite in place: a read is of one version, and versions only grow. */
    private double sharedState(double seen) {
        advance.run().close();
        double[] values = first.tensor().toDoubleArray();
        check("a shared variable", values, filled(WIDE, values[0]));
        if (values[0] <= seen) {
            failures.add("a shared variable went back to " + values[0] + " from " + seen);
        }
        Tensor draw = device.random().uniform(DType.F32, 5);
        for (double number : draw.toDoubleArray()) {
            if (number < 0 || number >= 1) {
                failures.add("a uniform random number is " + number);
            }
        }
        return values[0];
    }

    /** One tensor that is computed by whoever comes first, and read by all. */
    private void computeTogether() {
        double[] expected = new double[99];
        Arrays.setAll(expected, i -> 2 * (98 - i) + 1);
        Tensor shared = together;
        check("a shared tensor", shared.toDoubleArray(), expected);
        Arrays.setAll(expected, i -> expected[i] * expected[i]);
        check("what is built on a shared tensor", shared.mul(shared).toDoubleArray(), expected);
        done.addAndGet(1);
    }
}
