"""A genetic algorithm: the fitness of each generation is worked out by tasks, the next one is bred here.

python examples/genetic_algorithm.py -i multicore -n 2
"""

import argparse
import random
from itertools import pairwise

import pymw
from pymw import interfaces

Individual = tuple[int, ...]


def fitness(genes: Individual) -> int:
    """How good an individual is: the number of ones, less what neighbours that are equal cost."""
    return 2 * sum(genes) - sum(a == b == 0 for a, b in pairwise(genes))


def breed(rng: random.Random, pool: list[Individual], weights: list[int], rate: float) -> list[Individual]:
    """The next generation: fitter parents more often, crossed over at one point, mutated."""
    best = max(zip(weights, pool, strict=True))[1]
    chances = [weight - min(weights) + 1 for weight in weights]
    children = [best]
    while len(children) < len(pool):
        mother, father = rng.choices(pool, chances, k=2)
        cut = rng.randrange(len(mother))
        child = mother[:cut] + father[cut:]
        children.append(tuple(1 - gene if rng.random() < rate else gene for gene in child))
    return children


def main() -> None:
    """Breed so many generations."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("-m", "--num_individuals", type=int, default=40, metavar="N", help="pool size")
    parser.add_argument("-l", "--gene_length", type=int, default=40, metavar="N", help="genes of each")
    parser.add_argument("-t", "--total_generations", type=int, default=15, metavar="N", help="generations")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="the same seed, the same evolution")
    options, _ = interfaces.parse_options(parser)

    rng = random.Random(options.seed)
    length = options.gene_length
    pool = [tuple(rng.randrange(2) for _ in range(length)) for _ in range(options.num_individuals)]
    with pymw.Master(interfaces.get_interface(options)) as master:
        for generation in range(options.total_generations):
            weights = list(master.map(fitness, pool))
            average = sum(weights) / len(weights)
            print(f"generation {generation:3}: best {max(weights):4}, average {average:7.2f}")
            pool = breed(rng, pool, weights, 1 / length)


if __name__ == "__main__":
    main()
