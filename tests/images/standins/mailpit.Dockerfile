FROM standin:databases
COPY --chmod=755 mailpit.py /mailpit
# Python as the first process knows no other.
STOPSIGNAL SIGINT
CMD ["/mailpit"]
