package org.adjoint.cuda;

import java.lang.foreign.Arena;
import org.adjoint.cuda.driver.Gpu;
import org.adjoint.cuda.driver.Kernel;
import org.adjoint.cuda.launch.Copy;
import org.adjoint.cuda.launch.Fill;
import org.adjoint.cuda.launch.Launch;
import org.adjoint.cuda.launch.Product;
import org.adjoint.cuda.launch.Work;

/** Work with all that does not vary from run to run. */
sealed interface Command {
    /** Puts it on the stream; callers take turns. */
    void enqueue(Gpu gpu, Binding binding);

    /**
     * @param arena of the memory for parameters
     * @param step the number of the step within its plan
     */
    static Command of(Work work, int step, Gpu gpu, Arena arena) {
        return switch (work) {
            case Launch launch -> new Launched(launch, gpu.kernel(launch.source(), launch.function()),
                new ParameterBlock(arena, launch.arguments(), step));
            case Product product -> new Multiplied(product);
            case Copy copy -> new Copied(copy);
            case Fill fill -> new Filled(fill);
        };
    }

    record Launched(Launch launch, Kernel kernel, ParameterBlock parameters) implements Command {
        @Override
        public void enqueue(Gpu gpu, Binding binding) {
            gpu.launch(kernel, launch.gridX(), launch.gridY(), launch.gridZ(), launch.blockX(), launch.blockY(), 1,
                launch.sharedBytes(), parameters.bind(binding));
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
}
