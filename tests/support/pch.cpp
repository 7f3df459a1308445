// Where the precompiled header of the tests is made; see tests/CMakeLists.txt.
