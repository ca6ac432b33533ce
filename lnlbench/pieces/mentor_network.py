"""MentorNet's network: a weight for a sample from its loss, its label's code and the time.

Source: Jiang et al., ICML 2018 (arXiv 1712.05055) and github.com/google/mentornet at 76d6be2,
mentornet_nn in code/utils.py, and code/training_mentornet/train.py.
"""

import copy
import math
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

PERCENTS = 100
LABEL_CODES = 2
BATCH_SIZE = 32
LEARNING_RATE = 0.1
DECAY, DECAY_STEPS = 0.9, 1000
MAX_GRADIENT_NORM = 5.0


class MentorNetwork(nn.Module):
    """A bi-LSTM over one step (loss, loss difference), two embeddings, and two layers."""

    def __init__(self, generator: torch.Generator) -> None:
        """Draw the weights from the authors' distributions with a generator on the CPU."""
        super().__init__()
        self.lstm = nn.LSTM(2, 1, bidirectional=True, batch_first=True)
        self.label_embedding = nn.Embedding(LABEL_CODES, 2)
        self.epoch_embedding = nn.Embedding(PERCENTS, 5)
        self.hidden = nn.Linear(9, 20)
        self.output = nn.Linear(20, 1)
        with torch.no_grad():
            for name, parameter in self.lstm.named_parameters():
                if "bias" in name:
                    parameter.zero_()
            for direction in ("l0", "l0_reverse"):
                # One matrix in the authors' cell: rows for two inputs and the state, four gates.
                for kind in ("weight_ih", "weight_hh"):
                    weight = getattr(self.lstm, f"{kind}_{direction}")
                    weight.uniform_(-_glorot(3, 4), _glorot(3, 4), generator=generator)
                # PyTorch's cell has two biases that are added; the authors' has one.
                getattr(self.lstm, f"bias_hh_{direction}").requires_grad_(False)
            for embedding in (self.label_embedding, self.epoch_embedding):
                limit = _glorot(*embedding.weight.shape)
                embedding.weight.uniform_(-limit, limit, generator=generator)
            for layer in (self.hidden, self.output):
                layer.weight.normal_(generator=generator)
                layer.bias.normal_(generator=generator)
        self.epoch_embedding.weight.requires_grad_(False)

    def forward(
        self, losses: Tensor, differences: Tensor, codes: Tensor, percents: Tensor
    ) -> Tensor:
        """Logits [B] of the weights; losses and differences float [B], the others int64 [B].

        The code is 0 for every sample, as in the authors' code; percents are cut at 99.
        """
        _, (_, cells) = self.lstm(torch.stack([losses, differences], 1).unsqueeze(1))
        features = [
            self.label_embedding(codes),
            self.epoch_embedding(percents.clamp(max=PERCENTS - 1)),
            cells[0],
            cells[1],
        ]
        hidden: Tensor = self.hidden(torch.cat(features, 1)).tanh()
        # The last bias is added to each entry of the weights, not to the sum.
        return (hidden @ (self.output.weight + self.output.bias).T).squeeze(1)

    def weights(self, losses: Tensor, differences: Tensor, percent: int) -> Tensor:
        """Weights [B] in [0, 1] at one percent of the training."""
        codes = torch.zeros(len(losses), dtype=torch.int64, device=losses.device)
        logits: Tensor = self(losses, differences, codes, codes + percent)
        return logits.sigmoid()


def learn(
    mentor: MentorNetwork,
    rows: Tensor,
    steps: int,
    generator: torch.Generator,
    told: Callable[[int, int], None] = lambda done, steps: None,
) -> float:
    """Train a mentor in place; returns the mean loss of the last hundred steps.

    `rows` are float32 [M, 4]: loss, loss difference, percent of the training, and the target: 1
    where the label is right, else 0. `told` hears of the steps that are done, and may raise.
    """
    # Where it lives does not matter to a network of 250 numbers, but a launch per operation does.
    student, rows = copy.deepcopy(mentor).cpu(), rows.cpu()
    trained = [each for each in student.parameters() if each.requires_grad]
    optimizer = torch.optim.Adam(trained, lr=LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, DECAY_STEPS, DECAY)
    binary = len(rows[:, 3].unique()) == 2
    last: list[float] = []
    batches = _endless(len(rows), generator)
    for done in range(steps):
        told(done, steps)
        batch = rows[next(batches)]
        codes = torch.zeros(len(batch), dtype=torch.int64)
        logits = student(batch[:, 0], batch[:, 1], codes, batch[:, 2].long())
        loss = mentor_loss(logits, batch[:, 3], binary)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(trained, MAX_GRADIENT_NORM)
        optimizer.step()
        schedule.step()
        last = [*last[-99:], loss.item()]
    mentor.load_state_dict(student.state_dict())
    return sum(last) / len(last)


def mentor_loss(logits: Tensor, targets: Tensor, binary: bool) -> Tensor:
    """Cross-entropy if both targets occur among all rows, else the weights' mean squared error."""
    if binary:
        return binary_cross_entropy_with_logits(logits, targets)
    return (targets - logits.sigmoid()).square().mean()


def _endless(count: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Whole batches of one random order after another; the rest of each order is left out."""
    size = min(BATCH_SIZE, count)
    while True:
        order = torch.randperm(count, generator=generator)
        for start in range(0, count - size + 1, size):
            yield order[start : start + size]


def _glorot(rows: int, columns: int) -> float:
    return math.sqrt(6 / (rows + columns))
