package org.adjoint.cuda;

import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BiConsumer;
import org.adjoint.cuda.driver.Gpu;
import org.adjoint.cuda.driver.Kernel;
import org.adjoint.cuda.launch.Copy;
import org.adjoint.cuda.launch.Fill;
import org.adjoint.cuda.launch.Launch;
import org.adjoint.cuda.launch.Loop;
import org.adjoint.cuda.launch.Product;
import org.adjoint.cuda.launch.Work;
import org.adjoint.plan.PlanStep;
import org.adjoint.plan.Slot;

/** Work with all that does not vary from run to run. */
sealed interface Command {
    /** Puts it on the stream; callers take turns. */
    void enqueue(Gpu gpu, Binding binding);

    /** Everything but the work: parameters are written and as many kernels launched, which do nothing. */
    default void enqueueEmpty(StatusWord status, Binding binding) {
        status.launchNothing();
    }

    /**
     * @param arena of the memory for parameters
     * @param step the number of the step, by which kernels report it
     * @param numbered steps by their numbers; those of loops' bodies are added
     */
    static Command of(Work work, int step, List<PlanStep> numbered, Gpu gpu, Arena arena) {
        return switch (work) {
            case Launch launch -> new Launched(launch, gpu.kernel(launch.source(), launch.function()),
                new ParameterBlock(arena, launch.arguments(), step));
            case Product product -> new Multiplied(product);
            case Copy copy -> new Copied(copy);
            case Fill fill -> new Filled(fill);
            case Loop loop -> new Looped(loop.step(), body(loop, numbered, gpu, arena));
        };
    }

    private static List<Command> body(Loop loop, List<PlanStep> numbered, Gpu gpu, Arena arena) {
        List<Command> commands = new ArrayList<>();
        for (int i = 0; i < loop.body().size(); i++) {
            int number = numbered.size();
            numbered.add(loop.step().body().steps().get(i));
            for (Work work : loop.body().get(i).work()) {
                commands.add(of(work, number, numbered, gpu, arena));
            }
        }
        return commands;
    }

    record Launched(Launch launch, Kernel kernel, ParameterBlock parameters) implements Command {
        @Override
        public void enqueue(Gpu gpu, Binding binding) {
            gpu.launch(kernel, launch.gridX(), launch.gridY(), launch.gridZ(), launch.blockX(), launch.blockY(), 1,
                launch.sharedBytes(), parameters.bind(binding));
        }

        @Override
        public void enqueueEmpty(StatusWord status, Binding binding) {
            parameters.bind(binding);
            status.launchNothing();
        }
    }

    record Multiplied(Product product) implements Command {
        @Override
        public void enqueue(Gpu gpu, Binding binding) {
            gpu.multiply(product, address(product.a(), binding), address(product.b(), binding),
                address(product.c(), binding));
        }

        private static long address(Product.Matrix matrix, Binding binding) {
            return binding.slots()[matrix.slot()] + matrix.byteOffset();
        }
    }

    record Copied(Copy copy) implements Command {
        @Override
        public void enqueue(Gpu gpu, Binding binding) {
            gpu.copy(binding.address(copy.source()), binding.address(copy.target()), copy.bytes());
        }
    }

    record Filled(Fill fill) implements Command {
        @Override
        public void enqueue(Gpu gpu, Binding binding) {
            gpu.fill(binding.address(fill.target()), fill.value(), fill.bytes());
        }
    }

    /**
     * Commands are bound anew for each iteration: the stream has copied their parameters when {@code enqueue}
     * returns.
     */
    record Looped(PlanStep.Scan step, List<Command> body) implements Command {
        @Override
        public void enqueue(Gpu gpu, Binding binding) {
            run(binding, (command, inner) -> command.enqueue(gpu, inner));
        }

        @Override
        public void enqueueEmpty(StatusWord status, Binding binding) {
            run(binding, (command, inner) -> command.enqueueEmpty(status, inner));
        }

        private void run(Binding outer, BiConsumer<Command, Binding> action) {
            List<Slot> slots = step.body().slots();
            for (long iteration = 0; iteration < step.length(); iteration++) {
                long[] addresses = new long[slots.size()];
                for (int i = 0; i < addresses.length; i++) {
                    PlanStep.Place place = step.place(slots.get(i), iteration);
                    addresses[i] = outer.slots()[place.slot()] + place.offset();
                }
                Binding inner = new Binding(addresses, outer.workspace(), outer.status(), step.scalars());
                body.forEach(command -> action.accept(command, inner));
            }
        }
    }
}
