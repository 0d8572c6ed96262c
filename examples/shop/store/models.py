"""What the shop remembers. Money is in euros, with two decimals."""

from decimal import Decimal

from django.conf import settings
from django.db import models
from django.db.models import F, Q


class TaxClass(models.Model):
    """How a product is taxed; `rate` is a fraction, 0.20 for 20 %."""

    code = models.CharField(max_length=20, unique=True)
    rate = models.DecimalField(max_digits=4, decimal_places=3)

    def __str__(self) -> str:
        return self.code


class Product(models.Model):
    """Something that can be bought. `price` is for one piece, without tax."""

    sku = models.CharField(max_length=20, unique=True)
    name = models.CharField(max_length=100)
    slug = models.SlugField(unique=True)
    price = models.DecimalField(max_digits=9, decimal_places=2)
    active = models.BooleanField(default=True)
    tax_class = models.ForeignKey(TaxClass, on_delete=models.PROTECT)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Stock(models.Model):
    """How many pieces are in the house, and how many of them are promised to somebody."""

    product = models.OneToOneField(Product, on_delete=models.CASCADE, primary_key=True)
    on_hand = models.PositiveIntegerField(default=0)
    reserved = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(reserved__lte=F("on_hand")), name="promised_is_here")
        ]

    def __str__(self) -> str:
        return f"{self.product}: {self.available}"

    @property
    def available(self) -> int:
        """Pieces that can still be promised."""
        return self.on_hand - self.reserved


class StockMovement(models.Model):
    """Why the number of pieces changed."""

    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="movements")
    change = models.IntegerField()
    reason = models.CharField(max_length=100)
    at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.change:+d} {self.product}"


class Cart(models.Model):
    """What somebody thinks of buying; a guest's cart has no user."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True)
    created = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"cart {self.pk}"


class CartLine(models.Model):
    """So many pieces of one product."""

    cart = models.ForeignKey(Cart, on_delete=models.CASCADE, related_name="lines")
    product = models.ForeignKey(Product, on_delete=models.CASCADE)
    quantity = models.PositiveIntegerField()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["cart", "product"], name="one_line_per_product")
        ]

    def __str__(self) -> str:
        return f"{self.quantity} x {self.product}"


class Order(models.Model):
    """A purchase, with the prices of its day."""

    class State(models.TextChoices):
        """How far it is."""

        PAID = "paid"
        SHIPPED = "shipped"
        CANCELLED = "cancelled"

    number = models.CharField(max_length=20, unique=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT)
    state = models.CharField(max_length=10, choices=State, default=State.PAID)
    placed = models.DateTimeField()
    net = models.DecimalField(max_digits=10, decimal_places=2, default=Decimal(0))
    tax = models.DecimalField(max_digits=10, decimal_places=2, default=Decimal(0))
    payment_reference = models.CharField(max_length=40)

    class Meta:
        ordering = ["placed", "pk"]

    def __str__(self) -> str:
        return self.number

    @property
    def total(self) -> Decimal:
        """What was paid."""
        return self.net + self.tax


class OrderLine(models.Model):
    """One product of an order; `net` and `tax` are for the whole line."""

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="lines")
    product = models.ForeignKey(Product, on_delete=models.PROTECT)
    quantity = models.PositiveIntegerField()
    net = models.DecimalField(max_digits=10, decimal_places=2)
    tax = models.DecimalField(max_digits=10, decimal_places=2)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.quantity} x {self.product}"
