# SPDX-License-Identifier: MIT
# For all listings: nothing that moves with each build.
set print address off
set print frame-arguments none
set print entry-values no
set trace-commands on
