package org.adjoint.contract;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntConsumer;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import java.util.stream.LongStream;
import org.adjoint.Device;

/**
 * Programs of operations that nobody thought of together: random graphs over random shapes, dtypes and layouts, whose
 * results and gradients must be the reference's.
 *
 * <pre>{@code
 * try (Device device = Device.open("cuda")) {
 *     RandomPrograms.on(device).run(1_000, done -> { }).failures().forEach(System.out::println);
 * }
 * }</pre>
 */
public final class RandomPrograms {
    /** Every so many programs gradients are compared with differences, too. */
    private static final int DIFFERENCED = 4;
    /** So many programs a thread takes at once. */
    private static final int PIECE = 50;

    private final Device device;
    private ProgramSettings settings = ProgramSettings.ANY;
    private long seed;
    private int mostFailures = 3;
    private int together = 1;

    private RandomPrograms(Device device) {
        this.device = device;
    }

    public static RandomPrograms on(Device device) {
        return new RandomPrograms(device);
    }

    /** The seed of the first program, 0 unless told; the next has the next. */
    public RandomPrograms seed(long first) {
        this.seed = first;
        return this;
    }

    /**
     * Shorter programs of fewer kinds of loops, for a device whose kernels take long to compile.
     *
     * @param programs to run as one, so that one compilation serves them all
     */
    public RandomPrograms fewKernels(int programs) {
        this.settings = ProgramSettings.FEW_KERNELS;
        this.together = programs;
        return this;
    }

    /** Stops when so many programs have failed, 3 unless told. */
    public RandomPrograms mostFailures(int most) {
        this.mostFailures = most;
        return this;
    }

    RandomPrograms settings(ProgramSettings chosen) {
        this.settings = chosen;
        return this;
    }

    /**
     * A program that a device gets wrong.
     *
     * @param message what is wrong with the smallest program
     * @param operations in the smallest program
     * @param code the smallest program that still fails, in Java
     */
    public record Failure(long seed, String message, int operations, String code) { }

    /**
     * What came of it.
     *
     * @param programs how many were run
     * @param operations in all of them
     * @param gradients how many of them were differentiated
     */
    public record Report(int programs, long operations, int gradients, List<Failure> failures) { }

    /**
     * Runs programs in several threads, each with a device of its own.
     *
     * @param open opens a device
     * @param chosen what the programs are like
     * @return those that failed, in no particular order
     */
    public static List<Failure> runInThreads(int threads, Supplier<Device> open, UnaryOperator<RandomPrograms> chosen,
        int programs) {
        AtomicInteger next = new AtomicInteger();
        return Workers.run(threads, open, device -> {
            List<Failure> failures = new ArrayList<>();
            for (int first = next.getAndAdd(PIECE); first < programs; first = next.getAndAdd(PIECE)) {
                RandomPrograms some = chosen.apply(on(device));
                failures.addAll(some.seed(some.seed + first).run(Math.min(PIECE, programs - first), _ -> { })
                    .failures());
            }
            return failures;
        });
    }

    /**
     * Runs programs until some have failed.
     *
     * @param progress told how many are done
     */
    public Report run(int programs, IntConsumer progress) {
        List<Failure> failures = new ArrayList<>();
        long operations = 0;
        int gradients = 0;
        int done = 0;
        try (Device reference = Device.open("reference")) {
            ProgramCheck check = new ProgramCheck(device, reference);
            while (done < programs && failures.size() < mostFailures) {
                long current = seed + done;
                List<RandomProgram> batch = LongStream.range(current, current + Math.min(together, programs - done))
                    .mapToObj(each -> ProgramGenerator.generate(settings, each, reference)).toList();
                boolean differenced = current / together % DIFFERENCED == 0;
                // Programs that are read piece by piece are planned in pieces.
                boolean compiled = together > 1 || current % 3 != 0;
                List<String> messages = together > 1 ? check.failures(batch, differenced)
                    : Collections.singletonList(check.failure(batch.getFirst(), compiled, differenced));
                for (int i = 0; i < batch.size(); i++) {
                    if (messages.get(i) != null) {
                        failures.add(shrink(current + i, batch.get(i), messages.get(i),
                            smaller -> check.failure(smaller, compiled, differenced)));
                    }
                    operations += batch.get(i).calls();
                    gradients += batch.get(i).isDifferentiated() ? 1 : 0;
                    progress.accept(++done);
                }
            }
        }
        return new Report(done, operations, gradients, failures);
    }

    private Failure shrink(long current, RandomProgram program, String message, ProgramShrinker.Test test) {
        ProgramShrinker.Found found = new ProgramShrinker(test).shrink(program, message);
        return new Failure(current, found.message(), found.program().calls(), found.program().code(device.name()));
    }
}
